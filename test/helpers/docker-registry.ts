import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Digest } from "../../src/digest.ts";

/** A process of Debian's docker-registry (distribution 2.8.2) with nothing in it. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Removes the content from its disk, behind its back: what refers to it stays. */
  readonly loseContent: (digest: Digest) => Promise<void>;
}

/** What distribution calls `auth.token`. */
export interface TokenAuth {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** PEM of the certificate that tokens must be signed by. */
  readonly certificate: string;
}

/** Starts one on a port that the system chooses. Without `auth` anybody may push and pull. */
export async function startDockerRegistry(auth?: TokenAuth): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "docker-registry-"));
  const bundle = join(directory, "token.pem");
  if (auth !== undefined) await writeFile(bundle, auth.certificate);
  const config = join(directory, "config.json"); // JSON is YAML
  await writeFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "info", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(directory, "data") } },
      http: { addr: "127.0.0.1:0" },
      ...(auth === undefined ? {} : { auth: { token: toConfig(auth, bundle) } }),
    }),
  );
  const child = spawn("docker-registry", ["serve", config], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: "none" },
  });
  const exited = once(child, "exit");
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
    await rm(directory, { recursive: true, force: true });
  };
  const loseContent = async (digest: Digest): Promise<void> => {
    const hex = digest.slice("sha256:".length);
    await rm(join(directory, "data/docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex), { recursive: true });
  };
  let said = "";
  for await (const line of createInterface({ input: child.stderr })) {
    const [, host] = /msg="listening on (127\.0\.0\.1:\d+)"/.exec(line) ?? [];
    if (host !== undefined) {
      child.stderr.resume(); // a full pipe would stop it
      return { host, loseContent, [Symbol.asyncDispose]: stop };
    }
    said += `${line}\n`;
  }
  await stop();
  throw new Error(`docker-registry did not start: ${said}`);
}

function toConfig({ realm, service, issuer }: TokenAuth, rootcertbundle: string) {
  return { realm, service, issuer, rootcertbundle };
}
