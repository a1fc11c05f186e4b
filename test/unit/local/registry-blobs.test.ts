import { describe, expect, it } from "vitest";
import { z } from "zod";
import { digestOf } from "../../../src/digest.ts";
import { parseRange } from "../../../src/local/registry/blobs.ts";
import { parseRoute } from "../../../src/local/registry/call.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";

const errorsSchema = z.object({ errors: z.array(z.object({ code: z.string() })) });
const codesOf = async (responses: readonly Response[]): Promise<(string | undefined)[]> =>
  Promise.all(responses.map(async (response) => errorsSchema.parse(await response.json()).errors[0]?.code));
const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

describe("paths and ranges", () => {
  it.each([
    ["/v2/", { kind: "base" }],
    ["/v2/a/b/tags/list", { kind: "tags", repository: "a/b" }],
    ["/v2/a/manifests/manifests/latest", { kind: "manifest", repository: "a/manifests", reference: "latest" }],
    ["/v2/a/blobs/uploads/", { kind: "uploads", repository: "a" }],
    ["/v2/a/blobs/uploads/x", { kind: "upload", repository: "a", session: "x" }],
    ["/v2/a/blobs/x", { kind: "blob", repository: "a", digest: undefined }],
    ["/v2/A/tags/list", { kind: "bad-name" }],
    ["/v3/", { kind: "none" }],
  ])("reads %s", (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });

  it.each([
    ["bytes=0-0", { startBytes: 0, endBytes: 1 }],
    ["bytes=5-", { startBytes: 5, endBytes: 10 }],
    ["bytes=5-99", { startBytes: 5, endBytes: 10 }],
    ["bytes=-3", { startBytes: 7, endBytes: 10 }],
    ["bytes=-99", { startBytes: 0, endBytes: 10 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", undefined],
    ["bytes=0-1,3-4", undefined],
    ["items=0-1", undefined],
  ])("of ten bytes, serves for %s", (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });
});

describe("blobs", () => {
  it("answers 416 beyond the end, and the whole blob when If-Range does not match", async () => {
    await using registry = await startRegistry();
    const { digest, repository } = await registry.seedBlob({ content: bytes("0123456789") });
    const get = (headers: Record<string, string>) =>
      fetch(`${registry.url}/v2/${repository}/blobs/${digest}`, { headers });

    const beyond = await get({ range: "bytes=10-" });
    const changed = await get({ range: "bytes=2-3", "if-range": '"other"' });
    const same = await get({ range: "bytes=2-3", "if-range": beyond.headers.get("etag") ?? `"${digest}"` });

    expect([beyond.status, changed.status, same.status]).toEqual([416, 200, 206]);
    expect(beyond.headers.get("content-range")).toBe("bytes */10");
  });

  it("mounts a blob from where it is, and opens a session otherwise", async () => {
    await using registry = await startRegistry();
    const { digest } = await registry.seedBlob({ repository: "team/base", content: bytes("x") });
    const mount = (from: string) =>
      fetch(`${registry.url}/v2/team/app/blobs/uploads/?mount=${digest}&from=${from}`, { method: "POST" });

    const missing = await mount("team/other");
    const before = await registry.readBlob(digest, "team/app");
    const mounted = await mount("team/base");

    expect([missing.status, mounted.status]).toEqual([202, 201]);
    expect(before).toBeUndefined();
    expect(await registry.readBlob(digest, "team/app")).toEqual(bytes("x"));
  });

  it("takes a whole blob by one POST, checks sha512 digests and deletes", async () => {
    await using registry = await startRegistry();
    const blob = image({ layers: [100], algorithm: "sha512" }).blobs[1];
    const post = (content: Uint8Array) =>
      fetch(`${registry.url}/v2/a/blobs/uploads/?digest=${blob?.descriptor.digest}`, {
        method: "POST",
        body: new Uint8Array(content),
      });

    const wrong = await post(bytes("other"));
    const right = await post(blob?.content ?? bytes(""));
    const deleted = await fetch(`${registry.url}${right.headers.get("location")}`, { method: "DELETE" });

    expect([wrong.status, right.status, deleted.status]).toEqual([400, 201, 202]);
    expect(right.headers.get("docker-content-digest")).toBe(blob?.descriptor.digest);
    expect(await codesOf([wrong])).toEqual(["DIGEST_INVALID"]);
    expect(registry.openSessions()).toEqual([]);
  });

  it("refuses a location that the upload has moved on from, where sessions are stateful", async () => {
    await using registry = await startRegistry({ behaviour: { sessions: "stateful", urls: "absolute" } });
    const started = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const old = started.headers.get("location") ?? "";
    const patched = await fetch(old, { method: "PATCH", body: "abc" });

    const stale = [await fetch(old, { method: "PATCH", body: "def" }), await fetch(old, { method: "DELETE" })];
    const status = await fetch(patched.headers.get("location") ?? "");

    expect(await codesOf(stale)).toEqual(["BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_INVALID"]);
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-2"]);
  });

  it.each([
    ["kept", 3],
    ["forgotten", undefined],
  ] as const)("leaves a session that was interrupted in a chunk %s", async (interrupted, sizeBytes) => {
    await using registry = await startRegistry({ behaviour: { interrupted } });
    const started = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const location = `${registry.url}${started.headers.get("location")}`;
    const abort = new AbortController();
    const body = new ReadableStream({ start: (controller) => controller.enqueue(bytes("abc")) }); // and never ends

    const patching = fetch(location, { method: "PATCH", body, duplex: "half", signal: abort.signal });
    const failed = expect(patching).rejects.toThrow("aborted");
    await registry.waitForRequest(({ kind, receivedBytes }) => kind === "upload-patch" && receivedBytes === 3, 5_000);
    abort.abort();
    await failed;
    await fetch(location); // waits for its turn in the session

    expect(registry.openSessions()[0]?.sizeBytes).toBe(sizeBytes);
  });

  it("refuses pushes to a repository that is not there, where none are created", async () => {
    await using registry = await startRegistry({ behaviour: { newRepositories: "refused" } });

    const response = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST" });

    expect([response.status, await codesOf([response])]).toEqual([404, ["NAME_UNKNOWN"]]);
  });

  it("serves the part that a range asks for", async () => {
    await using registry = await startRegistry();
    const blob = await registry.seedBlob({ repository: "team/app", content: bytes("0123456789") });

    const response = await fetch(`${registry.url}/v2/team/app/blobs/${blob.digest}`, {
      headers: { range: "bytes=2-4" },
    });

    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await response.text()).toBe("234");
  });

  it("takes chunks in order and refuses one out of order", async () => {
    await using registry = await startRegistry();
    const content = bytes("abcdef");
    const digest = digestOf(content);
    const location = async (response: Response): Promise<string> => registry.url + response.headers.get("location");
    const patch = (url: string, range: string, body: string): Promise<Response> =>
      fetch(url, { method: "PATCH", headers: { "content-range": range }, body });

    const started = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: "POST" });
    const first = await patch(await location(started), "0-2", "abc");
    const wrong = await patch(await location(first), "4-5", "ef");
    const second = await patch(await location(wrong), "3-5", "def");
    const done = await fetch(`${await location(second)}?digest=${digest}`, { method: "PUT" });

    expect([started, first, wrong, second, done].map(({ status }) => status)).toEqual([202, 202, 416, 202, 201]);
    expect(first.headers.get("range")).toBe("0-2");
    expect(await registry.readBlob(digest)).toEqual(content);
    expect(registry.bytesReceived(digest)).toBe(6);
    expect(registry.openSessions()).toEqual([]);
  });
});
