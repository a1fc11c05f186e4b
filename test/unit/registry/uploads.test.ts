import { describe, expect, it } from "vitest";
import { MiB } from "../../../src/descriptor.ts";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import { distribution28 } from "../../../src/local/registry/behaviour.ts";
import type { Repository } from "../../../src/registry/registry.ts";
import {
  cancelUpload,
  completeUpload,
  getUploadStatus,
  type PatchOutcome,
  patchChunk,
  putBlob,
  startUpload,
  type UploadSession,
} from "../../../src/registry/uploads.ts";
import { failing, hangUp, loseAnswer, rateLimited } from "../../helpers/faults-any.ts";
import {
  forgetUpload,
  missingRepository,
  patchAnswers201,
  storeLess,
  stuckRange,
  tooLarge,
} from "../../helpers/faults-target.ts";
import { startServer } from "../../helpers/http-server.ts";
import { testBytes } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const content = testBytes(1 * MiB, "upload");
const digest = digestOf(content);
const half = content.byteLength / 2;
const chunks = [content.subarray(0, half), content.subarray(half)] as const;

async function* inPieces(bytes: Uint8Array, pieceBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function targetOf(client: ReturnType<typeof createTestClient>, host: string, profile?: string): Repository {
  return client.repository(host, {
    side: "target",
    actions: ["pull", "push"],
    ...(profile === undefined ? {} : { profile }),
  });
}

/** Sends chunks one after another, as long as they are accepted. */
async function patchAll(repository: Repository, session: UploadSession): Promise<PatchOutcome> {
  let outcome: PatchOutcome = { kind: "accepted", session };
  for (const bytes of chunks) {
    if (outcome.kind !== "accepted") break;
    outcome = await patchChunk(repository, outcome.session, { bytes, lengthBytes: bytes.byteLength }, never);
  }
  return outcome;
}

describe("putBlob", () => {
  it.each([
    ["bytes", () => content],
    ["a stream", () => inPieces(content)],
    ["a stream of large chunks", () => inPieces(content, content.byteLength)],
  ])("sends %s in one request of announced length", async (_, body) => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const request = { digest, sizeBytes: content.byteLength, content: body() };
    const outcome = await putBlob(repository, session, request, never);

    expect(outcome).toEqual({ kind: "done" });
    expect(digestOf((await registry.readBlob(digest, "team/app")) ?? new Uint8Array())).toBe(digest);
    expect(registry.requests.at(-1)?.headers).toMatchObject({ "content-length": String(content.byteLength) });
    expect(registry.openSessions()).toEqual([]);
  });

  it("uploads the empty blob", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const empty = new Uint8Array();
    const session = await startUpload(repository, never);

    const outcome = await putBlob(
      repository,
      session,
      { digest: digestOf(empty), sizeBytes: 0, content: empty },
      never,
    );

    expect(outcome).toEqual({ kind: "done" });
  });

  it("keeps the query that the registry gave its Location, byte for byte", async () => {
    await using server = await startServer(({ method }) =>
      method === "POST" ? { status: 202, headers: { location: "up?_state=a%2Bb+c%3D&x" } } : { status: 201 },
    );
    await using client = createTestClient();
    const repository = targetOf(client, server.host);
    const session = await startUpload(repository, never);

    await putBlob(repository, session, { digest, sizeBytes: content.byteLength, content }, never);

    const url = `/v2/team/app/blobs/uploads/up?_state=a%2Bb+c%3D&x&digest=${encodeURIComponent(digest)}`;
    expect(server.requests.at(-1)?.url).toBe(url);
  });

  it("sends no Authorization to a Location on another host", async () => {
    await using storage = await startServer(() => ({ status: 201 }), { hostname: "localhost" });
    await using server = await startServer(({ headers }) =>
      headers.authorization === undefined
        ? { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } }
        : { status: 202, headers: { location: `${storage.origin}/up` } },
    );
    await using client = createTestClient();
    const credentials = { kind: "password", username: "u", password: "p" } as const;
    const repository = client.repository(server.host, { side: "target", credentials });
    const session = await startUpload(repository, never);

    await putBlob(repository, session, { digest, sizeBytes: 7, content: Buffer.from("content") }, never);

    expect(storage.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("says when the digest is not the content's", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const request = { digest: digestOf(Buffer.from("other")), sizeBytes: content.byteLength, content };

    expect(await putBlob(repository, session, request, never)).toEqual({ kind: "digest-rejected" });
  });

  it("says when the request is too large for the registry", async () => {
    await using registry = await startRegistry({ faults: [tooLarge({ aboveBytes: 1_000 })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const request = { digest, sizeBytes: content.byteLength, content: inPieces(content) };

    expect(await putBlob(repository, session, request, never)).toEqual({ kind: "too-large" });
  });

  it("says when the session is gone", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    await cancelUpload(repository, session, never);

    const request = { digest, sizeBytes: content.byteLength, content };

    expect(await putBlob(repository, session, request, never)).toEqual({ kind: "session-lost" });
  });

  it.each([
    ["before it is sent", hangUp({ kind: "upload-put" })],
    ["after it is stored", loseAnswer({ kind: "upload-put" })],
  ])("fails retryably, tried once, when the connection breaks %s", async (_, broken) => {
    await using registry = await startRegistry({ faults: [broken] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    const request = { digest, sizeBytes: content.byteLength, content: inPieces(content) };

    const thrown = await thrownBy(() => putBlob(repository, session, request, never));

    expect(thrown).toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
    expect(registry.countRequests({ kind: "upload-put" })).toBe(1);
  });

  it("passes on what its content throws, and never completes such an upload", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    const reason = new ImportError({ code: "SOURCE_NOT_FOUND", side: "source", httpStatus: 404, what: "gone" });
    async function* breaks() {
      yield content.subarray(0, 1_000);
      throw reason;
    }

    const request = { digest, sizeBytes: content.byteLength, content: breaks() };
    const thrown = await thrownBy(() => putBlob(repository, session, request, never));

    expect(thrown).toBe(reason);
    expect(await registry.readBlob(digest)).toBeUndefined();
  });

  it.each([
    ["ends early", content.subarray(1)],
    ["goes on", Buffer.concat([content, Buffer.from("more")])],
  ])("fails when its content %s", async (_, other) => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const request = { digest, sizeBytes: content.byteLength, content: inPieces(other) };
    const thrown = await thrownBy(() => putBlob(repository, session, request, never));

    expect(thrown).toMatchObject({ code: "SOURCE_CONTENT_CORRUPT", retryable: false });
    expect(await registry.readBlob(digest)).toBeUndefined();
  });

  it("fails when the registry takes no byte for as long as a stall may last", async () => {
    const endless = 1_024 * MiB; // more than the sockets on the way can hold
    await using server = await startServer(({ method }) => (method === "GET" ? { status: 200 } : undefined), {
      readsBody: false,
    });
    await using client = createTestClient({ limits: { stallMs: 100 } });
    const repository = targetOf(client, server.host);
    const session = { location: `${server.origin}/up`, offsetBytes: 0 };
    async function* zeros() {
      for (let at = 0; at < endless; at += MiB) yield new Uint8Array(MiB);
    }

    const request = { digest, sizeBytes: endless, content: zeros() };
    const thrown = await thrownBy(() => putBlob(repository, session, request, never));

    expect(thrown).toMatchObject({ code: "TARGET_UNAVAILABLE", retryable: true });
    expect(String(thrown)).toContain("stalled");
  });
});

describe("patchChunk", () => {
  it.each([
    ["stateless sessions and relative Locations", {}],
    ["stateful sessions and absolute Locations", distribution28],
  ])("uploads chunk by chunk to a registry with %s", async (_, behaviour) => {
    await using registry = await startRegistry({ behaviour });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);

    const outcome = await patchAll(repository, await startUpload(repository, never));
    const session = outcome.kind === "accepted" ? outcome.session : { location: "", offsetBytes: -1 };
    const completed = await completeUpload(repository, session, digest, never);

    expect(session.offsetBytes).toBe(content.byteLength);
    expect(completed).toEqual({ kind: "done" });
    expect(digestOf((await registry.readBlob(digest, "team/app")) ?? new Uint8Array())).toBe(digest);
    const patches = registry.requests.filter(({ kind }) => kind === "upload-patch");
    expect(patches.map(({ headers }) => headers["content-range"])).toEqual([
      `0-${half - 1}`,
      `${half}-${content.byteLength - 1}`,
    ]);
    expect(patches.every(({ headers }) => headers["content-length"] === String(half))).toBe(true);
  });

  it("takes a 201 for accepted, as ECR answers", async () => {
    await using registry = await startRegistry({ faults: [patchAnswers201()] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);

    expect(await patchAll(repository, await startUpload(repository, never))).toMatchObject({ kind: "accepted" });
  });

  it("finds that the registry has stored less than was sent", async () => {
    await using registry = await startRegistry({ faults: [storeLess({ keepBytes: 1_000 })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);

    expect(await patchAll(repository, await startUpload(repository, never))).toEqual({ kind: "range-mismatch" });
  });

  it("goes by its own count where the profile says that the Range is stuck", async () => {
    await using registry = await startRegistry({ faults: [stuckRange()] });
    await using client = createTestClient();
    const believing = targetOf(client, registry.host);
    const knowing = targetOf(client, registry.host, "ecr");

    const believed = await patchAll(believing, await startUpload(believing, never));
    const known = await patchAll(knowing, await startUpload(knowing, never));

    expect(believed).toEqual({ kind: "range-mismatch" });
    expect(known).toMatchObject({ kind: "accepted", session: { offsetBytes: content.byteLength } });
  });

  it("says that an old Location of a stateful session is lost", async () => {
    await using registry = await startRegistry({ behaviour: distribution28 });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    await patchChunk(repository, session, { bytes: chunks[0], lengthBytes: half }, never);

    const again = await patchChunk(repository, session, { bytes: chunks[0], lengthBytes: half }, never);

    expect(again).toEqual({ kind: "session-lost" });
  });

  it("says that the registry refused the offset", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = { ...(await startUpload(repository, never)), offsetBytes: half };

    const outcome = await patchChunk(repository, session, { bytes: chunks[1], lengthBytes: half }, never);

    expect(outcome).toEqual({ kind: "range-mismatch" });
  });

  it("says when the registry has forgotten the session", async () => {
    await using registry = await startRegistry({ faults: [forgetUpload({ atPatch: 2 })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);

    expect(await patchAll(repository, await startUpload(repository, never))).toEqual({ kind: "session-lost" });
  });

  it("throws when the whole repository is missing", async () => {
    await using registry = await startRegistry({ faults: [missingRepository({ repository: "team/app" })] });
    await using client = createTestClient();

    const thrown = await thrownBy(() => startUpload(targetOf(client, registry.host), never));

    expect(thrown).toMatchObject({ code: "TARGET_REPOSITORY_MISSING", retryable: false });
  });
});

describe("getUploadStatus", () => {
  it("tells where a session stands", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    const fresh = await getUploadStatus(repository, session, never);
    await patchChunk(repository, session, { bytes: chunks[0], lengthBytes: half }, never);

    const status = await getUploadStatus(repository, session, never);

    expect([fresh?.offsetBytes, status?.offsetBytes]).toEqual([0, half]);
  });

  it("tells nothing of a session that is gone", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);
    await cancelUpload(repository, session, never);

    expect(await getUploadStatus(repository, session, never)).toBeUndefined();
  });

  it.each([400, 403, 405, 410, 416, 501])("takes a session for lost that it is not told about (%i)", async (status) => {
    await using registry = await startRegistry({ faults: [failing({ kind: "upload-status", status })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    expect(await getUploadStatus(repository, session, never)).toBeUndefined();
  });

  it.each([
    ["the sign-in is what is refused", 401, { code: "TARGET_UNAUTHORIZED", retryable: false }],
    ["the registry may tell later", 500, { code: "TARGET_UNAVAILABLE", retryable: true }],
  ])("throws when %s", async (_, status, expected) => {
    await using registry = await startRegistry({ faults: [failing({ kind: "upload-status", status })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    expect(await thrownBy(() => getUploadStatus(repository, session, never))).toMatchObject(expected);
  });
});

describe("cancelUpload", () => {
  it("frees the session, and tells one that is gone from a host that is away or may not be asked", async () => {
    await using client = createTestClient();
    const registry = await startRegistry();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const freed = await cancelUpload(repository, session, never);
    const open = registry.openSessions();
    const gone = await cancelUpload(repository, session, never);
    await registry.close();
    const away = await cancelUpload(repository, session, never);
    const barred = await cancelUpload(repository, { ...session, location: "https://10.0.0.1/upload" }, never);

    expect(open).toEqual([]);
    expect([freed, gone]).toEqual([{ kind: "answered" }, { kind: "answered" }]);
    expect([away, barred]).toMatchObject([
      { kind: "unanswered", isPassing: true },
      { kind: "unanswered", isPassing: false },
    ]);
  });

  it("says after which time another try may help", async () => {
    await using registry = await startRegistry({ faults: [rateLimited({ kind: "upload-cancel", retryAfter: "90" })] });
    await using client = createTestClient();
    const repository = targetOf(client, registry.host);
    const session = await startUpload(repository, never);

    const refused = await cancelUpload(repository, session, never);

    expect(refused).toEqual({ kind: "unanswered", isPassing: true, retryAfterSeconds: 90 });
  });
});
