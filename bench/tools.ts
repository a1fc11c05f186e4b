import { spawn } from "node:child_process";
import { once } from "node:events";
import { time } from "./processes.ts";

/** One image to copy from the source registry to the target registry, under the same name. */
export interface CopyJob {
  readonly source: string;
  readonly target: string;
  readonly images: readonly string[];
}

/** Copies all images of the job and returns the wall seconds. Throws when any of them fails. */
export type Copier = (job: CopyJob) => Promise<number>;

/** Drayage through its HTTP API; the service runs already. All imports are posted at once: the service has the limits. */
export function drayage(serviceUrl: string, conflict = "fail"): Copier {
  return async ({ source, target, images }) => {
    const begin = performance.now();
    await Promise.all(images.map((image) => importImage(serviceUrl, { source, target, image, conflict })));
    return (performance.now() - begin) / 1_000;
  };
}

interface ImportJob {
  readonly source: string;
  readonly target: string;
  readonly image: string;
  readonly conflict: string;
}

async function importImage(serviceUrl: string, { source, target, image, conflict }: ImportJob): Promise<void> {
  const response = await fetch(`${serviceUrl}/api/imports?wait=200`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ source: `${source}/${image}`, target, conflict }),
  });
  const record = await response.text();
  if (response.status !== 200 || !/"state":"(Succeeded|Skipped)"/.test(record)) {
    throw new Error(`import of ${image}: ${response.status} ${record}`);
  }
}

const peerArgs = {
  skopeo: (from: string, to: string) => [
    ...["copy", "--all", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"],
    ...[`docker://${from}`, `docker://${to}`],
  ],
  crane: (from: string, to: string) => ["cp", "--insecure", from, to],
  regctl: (from: string, to: string) => ["image", "copy", from, to],
} as const;
export type Peer = keyof typeof peerArgs;

const peersAtOnce = 4;

/** A command-line peer: one process per image, at most four at a time. */
export function peer(name: Peer): Copier {
  return async ({ source, target, images }) => {
    const begin = performance.now();
    const waiting = [...images];
    const worker = async () => {
      for (let image = waiting.shift(); image !== undefined; image = waiting.shift()) {
        await time(name, peerArgs[name](`${source}/${image}`, `${target}/${image}`));
      }
    };
    await Promise.all(Array.from({ length: peersAtOnce }, worker));
    return (performance.now() - begin) / 1_000;
  };
}

/** The least that moving one blob can cost: `curl GET | curl PUT`. */
export async function floor(source: string, target: string, repository: string, digest: string): Promise<number> {
  const script = `set -e -o pipefail
location=$(curl -sf -X POST -D - -o /dev/null "http://$TARGET/v2/$REPO/blobs/uploads/" | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
curl -sf "http://$SOURCE/v2/$REPO/blobs/$DIGEST" | curl -sf -T - -o /dev/null -H 'Expect:' "$location&digest=$DIGEST"`;
  const begin = performance.now();
  const env = { ...process.env, SOURCE: source, TARGET: target, REPO: repository, DIGEST: digest };
  const child = spawn("bash", ["-c", script], { stdio: ["ignore", "ignore", "inherit"], env });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`floor: ended with ${code}`);
  return (performance.now() - begin) / 1_000;
}

/** Seconds to read one blob over one connection. */
export async function readOnce(host: string, repository: string, digest: string): Promise<number> {
  return await time("curl", ["-sf", "-o", "/dev/null", `http://${host}/v2/${repository}/blobs/${digest}`]);
}
