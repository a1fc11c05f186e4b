import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { getBlob, headBlob } from "../../../src/registry/blobs.ts";
import { headManifest } from "../../../src/registry/manifests.ts";
import type { RateLimits } from "../../../src/registry/rate-limits.ts";
import type { RegistryAccess } from "../../../src/registry/registry.ts";
import { putBlob } from "../../../src/registry/uploads.ts";
import { type Responder, startServer, type TestServer } from "../../helpers/http-server.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const content = Buffer.from("content");
const digest = digestOf(content);
const user = { kind: "password", username: "u", password: "p" } as const;
const onePerTurn: RateLimits = { readsPerMinute: 10, writesPerMinute: 10 }; // the second one waits, the first does not

/** Answers 401 with a challenge to whoever has not signed in. */
const afterSignIn =
  (respond: Responder): Responder =>
  (request, raw) =>
    request.headers.authorization === undefined
      ? { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } }
      : respond(request, raw);

/** A repository whose account has a budget, and how often a request to it has waited for its turn. */
function open({ host }: TestServer, changes: Partial<RegistryAccess> = {}) {
  const client = createTestClient();
  const access = { ...client.access(host, { credentials: user }), limits: onePerTurn, ...changes };
  return {
    repository: client.open(access).repository("team/app", ["pull", "push"]),
    waits: () => client.clock.sleeps.length,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

describe("the budget of an account", () => {
  it("is charged for the second try that follows a sign-in", async () => {
    await using server = await startServer(afterSignIn(() => ({ status: 200 })));
    await using opened = open(server);

    await headBlob(opened.repository, digest, never);

    expect(server.requests).toHaveLength(2);
    expect(opened.waits()).toBe(1);
  });

  it("is charged for the question how to sign in, as a read", async () => {
    await using server = await startServer(afterSignIn(({ method }) => ({ status: method === "PUT" ? 201 : 200 })));
    await using opened = open(server, { side: "target" });
    const session = { location: `${server.origin}/v2/team/app/blobs/uploads/1`, offsetBytes: 0 };
    async function* stream() {
      yield content;
    }
    await putBlob(opened.repository, session, { digest, sizeBytes: content.byteLength, content: stream() }, never);
    const waitsToWrite = opened.waits();

    await headBlob(opened.repository, digest, never);

    expect(server.requests.map(({ method }) => method)).toEqual(["GET", "PUT", "HEAD"]);
    expect([waitsToWrite, opened.waits()]).toEqual([0, 1]);
  });

  it("is charged for the GET that tells why a HEAD was refused", async () => {
    await using server = await startServer(() => ({ status: 403 }));
    await using opened = open(server);

    await thrownBy(() => headBlob(opened.repository, digest, never));

    expect(server.requests.map(({ method }) => method)).toEqual(["HEAD", "GET"]);
    expect(opened.waits()).toBe(1);
  });

  it("is charged for a redirect within the host, and for none to storage", async () => {
    await using storage = await startServer(() => ({ status: 200, body: content }), { hostname: "localhost" });
    await using server = await startServer(({ url }) => ({
      status: 307,
      headers: { location: url.startsWith("/v2/") ? "/elsewhere" : `${storage.origin}/blob` },
    }));
    await using opened = open(server);

    const blob = await getBlob(opened.repository, { digest }, never);
    await blob[Symbol.asyncDispose]();

    expect([server.requests.length, storage.requests.length]).toEqual([2, 1]);
    expect(opened.waits()).toBe(1);
  });
});

describe("a refused HEAD where GETs of manifests count as pulls", () => {
  it("is not followed by such a GET", async () => {
    await using server = await startServer(() => ({ status: 403 }));
    await using opened = open(server, { profile: "dockerhub" });

    const thrown = await thrownBy(() => headManifest(opened.repository, "1.0", never));

    expect(thrown).toMatchObject({ code: "SOURCE_FORBIDDEN", httpStatus: 403 });
    expect(server.requests.map(({ method }) => method)).toEqual(["HEAD"]);
  });
});
