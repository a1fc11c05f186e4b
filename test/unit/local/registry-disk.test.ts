import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { multiPlatformImage, pushImage, testBytes } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";

async function temporaryDirectory() {
  const path = await mkdtemp(join(tmpdir(), "drayage-registry-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

it("keeps images over a restart, byte for byte", async () => {
  await using directory = await temporaryDirectory();
  const pushed = multiPlatformImage({ layers: [MiB + 1, 10] });
  const before = await startRegistry({ directory: directory.path });
  await pushImage(before.host, "team/app", "1", pushed);
  await before.close();

  await using after = await startRegistry({ directory: directory.path });

  expect(await after.readManifest("team/app", "1")).toEqual(pushed.root);
  const held = await Promise.all(pushed.blobs.map(({ descriptor }) => after.holdsBlob(descriptor.digest, "team/app")));
  expect(held).toEqual(pushed.blobs.map(() => true));
});

it.each(["stateless", "stateful"] as const)("goes on with a %s upload after a restart", async (sessions) => {
  await using directory = await temporaryDirectory();
  const options = { directory: directory.path, behaviour: { sessions } };
  const content = testBytes(5 * MiB, "upload");
  const digest = digestOf(content);
  const before = await startRegistry(options);
  const started = await fetch(`${before.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
  const patched = await fetch(`${before.url}${started.headers.get("location")}`, {
    method: "PATCH",
    body: new Uint8Array(content.subarray(0, 2 * MiB + 1)),
  });
  await before.close();

  await using after = await startRegistry(options);
  const location = new URL(patched.headers.get("location") ?? "", after.url);
  const status = await fetch(location);
  location.searchParams.set("digest", digest);
  const done = await fetch(location, { method: "PUT", body: new Uint8Array(content.subarray(2 * MiB + 1)) });

  expect(status.headers.get("range")).toBe(`0-${2 * MiB}`);
  expect(done.status).toBe(201);
  expect(await after.holdsBlob(digest)).toBe(true);
  expect(after.openSessions()).toEqual([]);
});

it("reads a catalog whose last line was cut off by a kill", async () => {
  await using directory = await temporaryDirectory();
  const before = await startRegistry({ directory: directory.path });
  await pushImage(before.host, "team/app", "1", multiPlatformImage());
  await before.close();
  await appendFile(join(directory.path, "catalog.jsonl"), '{"kind":"tag","repo');

  await using after = await startRegistry({ directory: directory.path });

  expect(Object.keys(after.tags("team/app"))).toEqual(["1"]);
});

it("serves ranges of a stored blob", async () => {
  await using directory = await temporaryDirectory();
  await using registry = await startRegistry({ directory: directory.path });
  const { repository, digest, content } = await registry.seedBlob({ sizeBytes: 3 * MiB });

  const response = await fetch(`${registry.url}/v2/${repository}/blobs/${digest}`, {
    headers: { range: `bytes=${MiB - 1}-${2 * MiB}` },
  });

  const part = new Uint8Array(await response.arrayBuffer());
  expect(digestOf(part)).toBe(digestOf(content.subarray(MiB - 1, 2 * MiB + 1)));
});
