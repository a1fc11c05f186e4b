import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/digest.ts";
import { type Fault, fault } from "../../helpers/faults.ts";
import { failing, hangUp, loseAnswer, rateLimit, rateLimited, tokensWearOut } from "../../helpers/faults-any.ts";
import {
  corruptByte,
  ignoreRanges,
  redirectBlobs,
  stallBody,
  truncateBody,
  wrongContentRange,
} from "../../helpers/faults-source.ts";
import {
  forgetUpload,
  missingRepository,
  patchAnswers201,
  refuseManifest,
  refuseMount,
  rewriteUrls,
  staleRange,
  stopReading,
  storeLess,
  stuckRange,
  tagRace,
  tooLarge,
} from "../../helpers/faults-target.ts";
import { image, pushImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

async function startSource(...faults: Fault[]) {
  const registry = await startRegistry({ faults });
  const blob = await registry.seedBlob({ content: bytes("0123456789") });
  const get = (headers: Record<string, string> = {}) =>
    fetch(`${registry.url}/v2/${blob.repository}/blobs/${blob.digest}`, { headers });
  return { registry, blob, get, [Symbol.asyncDispose]: registry.close };
}

/** Opens an upload and returns functions that send to wherever it goes on. */
async function openUpload(registry: TestRegistry) {
  const url = `${registry.url}/v2/team/app/blobs/uploads/`;
  const started = await fetch(url, { method: "POST" });
  let location = new URL(started.headers.get("location") ?? "", url);
  const send = async (method: string, body: string, digest?: Digest): Promise<Response> => {
    const target = new URL(location);
    if (digest !== undefined) target.searchParams.set("digest", digest);
    const response = await fetch(target, { method, body });
    location = new URL(response.headers.get("location") ?? location, url);
    return response;
  };
  return {
    started,
    patch: (body: string) => send("PATCH", body),
    put: (body: string, digest: Digest) => send("PUT", body, digest),
  };
}

describe("source faults", () => {
  it("truncates a body at the byte that was asked for", async () => {
    await using source = await startSource(truncateBody({ afterBytes: 4 }));

    const received: number[] = [];
    const response = await source.get();
    const reading = (async () => {
      for await (const chunk of response.body ?? []) received.push(...chunk);
    })();

    await expect(reading).rejects.toThrow("terminated");
    expect(Buffer.from(received).toString()).toBe("0123");
  });

  it("corrupts the same byte of the blob whatever range is asked for", async () => {
    await using source = await startSource(corruptByte({ atBytes: 5 }));

    const whole = new Uint8Array(await (await source.get()).arrayBuffer());
    const part = new Uint8Array(await (await source.get({ range: "bytes=4-6" })).arrayBuffer());

    expect(whole[5]).toBe("5".charCodeAt(0) ^ 0xff);
    expect(part).toEqual(whole.subarray(4, 7));
  });

  it("ignores ranges", async () => {
    await using source = await startSource(ignoreRanges());

    const response = await source.get({ range: "bytes=4-6" });

    expect([response.status, await response.text()]).toEqual([200, "0123456789"]);
  });

  it("lies about the range it sends", async () => {
    await using source = await startSource(wrongContentRange({ shiftBytes: 1 }));

    const response = await source.get({ range: "bytes=4-6" });

    expect(response.headers.get("content-range")).toBe("bytes 5-7/10");
  });

  it("redirects to a signed URL that serves so many times", async () => {
    await using source = await startSource(redirectBlobs({ uses: 1, authorization: "refused" }));

    const first = await source.get({ authorization: "Bearer secret" }); // fetch leaves it behind at the other host
    const second = await fetch(first.url);
    const tooMuch = await fetch(first.url, { headers: { authorization: "Bearer secret" } });

    expect(await first.text()).toBe("0123456789");
    expect(new URL(first.url).host).toBe(source.registry.storageHost);
    expect([second.status, tooMuch.status]).toEqual([403, 400]);
    expect(source.registry.countRequests({ kind: "storage-get" })).toBe(3);
    expect(
      source.registry.countRequests(({ kind, headers }) => kind === "storage-get" && "authorization" in headers),
    ).toBe(1);
  });

  it("stalls with the connection open until the client goes away", async () => {
    await using source = await startSource(stallBody({ afterBytes: 3 }));
    const abort = new AbortController();

    const response = await fetch(`${source.registry.url}/v2/${source.blob.repository}/blobs/${source.blob.digest}`, {
      signal: abort.signal,
    });
    const first = await response.body?.getReader().read();
    abort.abort();
    const over = await source.registry.waitForRequest({ kind: "blob-get", isOver: true }, 5_000);

    expect(Buffer.from(first?.value ?? []).toString()).toBe("012");
    expect(over.sentBytes).toBe(3);
  });

  it.each(["7", "0.5", "880.092µs", "Wed, 21 Oct 2026 07:28:00 GMT", undefined])(
    "asks to wait with Retry-After %s",
    async (retryAfter) => {
      await using source = await startSource(rateLimited({ kind: "blob-get", times: 1, retryAfter }));

      const first = await source.get();
      const second = await source.get();

      expect([first.status, second.status]).toEqual([429, 200]);
      expect(first.headers.get("retry-after") ?? undefined).toBe(retryAfter);
    },
  );

  it("fails from one request on, for so many requests", async () => {
    await using source = await startSource(failing({ kind: "blob-get", from: 2, times: 2, status: 503 }));

    const statuses = [await source.get(), await source.get(), await source.get(), await source.get()].map(
      ({ status }) => status,
    );

    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  it("wears tokens out", async () => {
    await using source = await startSource(tokensWearOut({ afterRequests: 1 }));
    const headers = { authorization: "Bearer one" };

    const statuses = [
      await source.get(headers),
      await source.get(headers),
      await source.get({ authorization: "Bearer two" }),
    ];

    expect(statuses.map(({ status }) => status)).toEqual([200, 401, 200]);
  });

  it("paces what it sends without changing it", async () => {
    await using source = await startSource(rateLimit({ direction: "sent", bytesPerSecond: 500 }));

    const response = await source.get();

    expect(await response.text()).toBe("0123456789");
  });
});

describe("target faults", () => {
  it("stores a blob and loses the answer", async () => {
    await using target = await startRegistry({ faults: [loseAnswer({ times: 1 })] });
    const digest = digestOf(bytes("abc"));
    const upload = await openUpload(target);

    await expect(upload.put("abc", digest)).rejects.toThrow("fetch failed");

    expect(await target.readBlob(digest)).toEqual(bytes("abc"));
    expect(target.requests.at(-1)).toMatchObject({ kind: "upload-put", status: undefined });
  });

  it("forgets a session at a PATCH and takes the next one", async () => {
    await using target = await startRegistry({ faults: [forgetUpload({ atPatch: 2 })] });
    const lost = await openUpload(target);
    const statuses = [await lost.patch("a"), await lost.patch("b"), await lost.patch("c")].map(({ status }) => status);

    const again = await openUpload(target);
    const accepted = [await again.patch("a"), await again.patch("b")].map(({ status }) => status);

    expect(statuses).toEqual([202, 404, 404]);
    expect(accepted).toEqual([202, 202]);
    expect(target.openSessions()).toHaveLength(1);
  });

  it("tells less than it received, keeps less than it was sent, or always the first chunk", async () => {
    const rangesWith = async (fault: Fault): Promise<(string | null)[]> => {
      await using target = await startRegistry({ faults: [fault] });
      const upload = await openUpload(target);
      const answers = [await upload.patch("abcd"), await upload.patch("efgh")];
      return [...answers.map(({ headers }) => headers.get("range")), String(target.openSessions()[0]?.sizeBytes)];
    };

    expect(await rangesWith(staleRange({ behindBytes: 2 }))).toEqual(["0-1", "0-5", "8"]);
    expect(await rangesWith(storeLess({ keepBytes: 3 }))).toEqual(["0-2", "0-5", "6"]);
    expect(await rangesWith(stuckRange())).toEqual(["0-3", "0-3", "8"]);
  });

  it("answers 413 to a body that is too large, with and without a length", async () => {
    await using target = await startRegistry({ faults: [tooLarge({ aboveBytes: 3 }), patchAnswers201()] });
    const small = await (await openUpload(target)).patch("abc");
    const large = await (await openUpload(target)).patch("abcd");
    const { location } = Object.fromEntries((await openUpload(target)).started.headers);

    const streamed = await fetch(`${target.url}${location}`, {
      method: "PATCH",
      body: new Blob(["abcd"]).stream(),
      duplex: "half",
    });

    expect([small.status, large.status, streamed.status]).toEqual([201, 413, 413]);
  });

  it("refuses mounts and manifests, and repositories that are missing", async () => {
    await using target = await startRegistry({
      faults: [
        refuseMount({ status: 202, times: 1 }),
        refuseMount({ status: 403 }),
        refuseManifest({ code: "REGISTRY_DISALLOWED_OPERATION" }),
        missingRepository({ repository: "not/there" }),
      ],
    });
    const blob = await target.seedBlob({ repository: "team/base", content: bytes("x") });
    const mount = () =>
      fetch(`${target.url}/v2/team/app/blobs/uploads/?mount=${blob.digest}&from=team/base`, { method: "POST" });

    const statuses = [await mount(), await mount(), await fetch(`${target.url}/v2/not/there/tags/list`)].map(
      ({ status }) => status,
    );

    expect(statuses).toEqual([202, 403, 404]);
    await expect(pushImage(target.host, "team/app", "1", image())).rejects.toThrow("405");
  });

  it("stops reading a body, with the connection open until the client goes away", async () => {
    await using target = await startRegistry({ faults: [stopReading({ afterBytes: 1 })] });
    const { started } = await openUpload(target);
    const abort = new AbortController();

    const patching = fetch(`${target.url}${started.headers.get("location")}`, {
      method: "PATCH",
      body: "abc",
      signal: abort.signal,
    });
    const failed = expect(patching).rejects.toThrow("aborted");
    const { status } = await target.waitForRequest(({ receivedBytes }) => receivedBytes === 3, 5_000);
    abort.abort();
    await failed;

    expect(status).toBeUndefined();
    expect(await target.waitForRequest({ kind: "upload-patch", isOver: true }, 5_000)).toMatchObject({
      status: undefined,
    });
  });

  it("answers 500 when a fault itself fails", async () => {
    const broken = fault("broken", { kind: "upload-put" }, async (call, next) => {
      await next(call);
      throw new Error("no such luck");
    });
    await using target = await startRegistry({ faults: [broken] });

    const response = await (await openUpload(target)).put("abc", digestOf(bytes("abc")));

    expect(response.status).toBe(500);
  });

  it("rewrites where an upload goes on", async () => {
    await using target = await startRegistry({ faults: [rewriteUrls({ to: "absolute" })] });

    const { started } = await openUpload(target);

    expect(started.headers.get("location")).toContain(`${target.url}/v2/team/app/blobs/uploads/`);
  });

  it("lets somebody else set a tag between a HEAD and the PUT", async () => {
    await using target = await startRegistry();
    const theirs = await target.seedImage("team/app", "other", image({ seed: "theirs" }));
    target.addFault(tagRace({ repository: "team/app", reference: "1", digest: theirs.root.digest }));

    const head = await fetch(`${target.url}/v2/team/app/manifests/1`, { method: "HEAD" });

    expect(head.status).toBe(404);
    expect(target.tags("team/app")).toMatchObject({ "1": theirs.root.digest });
  });
});

describe("holds", () => {
  it("holds an answer until it is released", async () => {
    await using source = await startSource();
    const hold = source.registry.hold({ kind: "blob-get" });

    const answering = source.get();
    await hold.reached;
    const during = source.registry.requests.at(-1)?.status;
    hold.release();

    expect(during).toBeUndefined();
    expect((await answering).status).toBe(200);
  });

  it("holds a body in the middle", async () => {
    await using source = await startSource();
    const hold = source.registry.hold({ kind: "blob-get" }, { sentBytes: 4 });

    const response = await source.get();
    await hold.reached;
    const during = source.registry.requests.at(-1)?.sentBytes;
    hold.release();

    expect(during).toBe(4);
    expect(await response.text()).toBe("0123456789");
  });

  it("names what did not come in time", async () => {
    await using source = await startSource(hangUp({ kind: "blob-head" }));
    await source.get();

    await expect(source.registry.waitForRequest({ kind: "upload-put" }, 1)).rejects.toThrow(
      /no request matched \{"kind":"upload-put"\} within 1 ms; seen: blob-get 200/,
    );
  });
});
