import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { multiPlatformImage, pushImage } from "../../helpers/images.ts";

async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), "drayage-registry-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

interface RunningRegistry extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly host: string;
}

async function runRegistry(directory: string, flags: readonly string[] = []): Promise<RunningRegistry> {
  const args = ["src/local/registry-main.ts", "--port", "0", "--dir", directory, ...flags];
  const lastLine = flags.length > 0 ? /^it holds (127\.0\.0\.1:\d+)\/demo\/app:1\.0$/ : storedIn;
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: child.stdout })) {
    const host = lastLine.exec(line)?.[1];
    if (host !== undefined)
      return { child, host, [Symbol.asyncDispose]: () => end(child, "SIGKILL").then(() => undefined) };
  }
  child.kill("SIGKILL");
  throw new Error("the registry ended before it said where it listens");
}

const storedIn = /^registry on (127\.0\.0\.1:\d+), stored in /;

async function end(child: ChildProcess, signal: "SIGKILL" | "SIGTERM"): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, "exit");
  child.kill(signal);
  const [code] = await exited;
  return code;
}

const twoStartsMs = 60_000; // each compiles the sources on a machine that may be busy

it("still has an image after it was killed, and ends well when it is asked to", { timeout: twoStartsMs }, async () => {
  await using directory = await temporaryDirectory();
  const pushed = multiPlatformImage();

  await using first = await runRegistry(directory.path);
  await pushImage(first.host, "team/app", "1", pushed);
  await end(first.child, "SIGKILL");
  await using second = await runRegistry(directory.path);
  const response = await fetch(`http://${second.host}/v2/team/app/manifests/1`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const code = await end(second.child, "SIGTERM");

  expect(bytes).toEqual(pushed.root.bytes);
  expect(code).toBe(0);
});

it("holds an image for three platforms to begin with when it is asked to", { timeout: twoStartsMs }, async () => {
  await using directory = await temporaryDirectory();

  await using registry = await runRegistry(directory.path, ["--demo-image"]);
  const response = await fetch(`http://${registry.host}/v2/demo/app/manifests/1.0`);

  expect(await response.json()).toMatchObject({
    manifests: [
      { platform: { architecture: "amd64" } },
      { platform: { architecture: "arm64" } },
      { platform: { architecture: "arm" } },
    ],
  });
});

/** Arguments that the registry is started with, and the list of what refers to its image. */
it.each([
  [[], "/v2/demo/app/referrers/DIGEST"],
  [["--like", "distribution-2.8"], "/v2/demo/app/manifests/sha256-HEX"],
])(
  "holds an SBOM of the image, listed as the registry lists referrers (%s): %s",
  { timeout: twoStartsMs },
  async (like, list) => {
    await using directory = await temporaryDirectory();

    await using registry = await runRegistry(directory.path, ["--demo-image", ...like]);
    const image = await fetch(`http://${registry.host}/v2/demo/app/manifests/1.0`);
    const digest = image.headers.get("docker-content-digest") ?? "";
    const path = list.replace("DIGEST", digest).replace("HEX", digest.slice("sha256:".length));
    const listed = await fetch(`http://${registry.host}${path}`);

    expect(await listed.json()).toMatchObject({ manifests: [{ artifactType: "application/spdx+json" }] });
  },
);

it("lets in who brings the name and password of --user, and nobody else", { timeout: twoStartsMs }, async () => {
  await using directory = await temporaryDirectory();

  await using registry = await runRegistry(directory.path, ["--demo-image", "--user", "ci:a:b"]);
  const statusFor = async (user: string) => {
    const headers = { authorization: `Basic ${Buffer.from(user).toString("base64")}` };
    return (await fetch(`http://${registry.host}/v2/demo/app/manifests/1.0`, { headers })).status;
  };

  expect([await statusFor("ci:a:b"), await statusFor("ci:a"), await statusFor("")]).toEqual([200, 401, 401]);
});

async function runToEnd(args: readonly string[]): Promise<{ readonly code: unknown; readonly said: string }> {
  const child = spawn(process.execPath, ["src/local/registry-main.ts", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
  return { code, said };
}

it("says in words that its port is taken, or a flag unknown", { timeout: twoStartsMs }, async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;

  const taken = await runToEnd(["--port", String(port)]);
  const unknown = await runToEnd(["--prot", "5002"]);
  const nameless = await runToEnd(["--user", "ci"]);
  other.close();

  expect(taken).toEqual({ code: 1, said: expect.stringMatching(/^port \d+ is taken: .+\n$/) });
  expect(nameless).toEqual({ code: 2, said: expect.stringMatching(/^usage: npm run/) });
  expect(unknown).toEqual({
    code: 2,
    said: expect.stringMatching(/^error: Unknown option '--prot'.+usage: npm run/s),
  });
});
