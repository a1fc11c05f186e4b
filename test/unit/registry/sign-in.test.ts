import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import { headBlob, mountBlob } from "../../../src/registry/blobs.ts";
import { createTokens } from "../../../src/registry/tokens.ts";
import { putBlob } from "../../../src/registry/uploads.ts";
import { type Reply, type SeenRequest, startServer } from "../../helpers/http-server.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const digest = digestOf(Buffer.from("content"));
const user = { kind: "password", username: "user", password: "pass:word" } as const;
const basic = `Basic ${Buffer.from("user:pass:word").toString("base64")}`;

interface BearerOptions {
  readonly token?: (query: URLSearchParams, count: number) => Reply | Promise<Reply>;
  readonly challenge?: (origin: string) => string;
  /** Whether a token is taken. Default: every one. */
  readonly takes?: (token: string) => boolean;
}

/** A registry and its token service in one server: takes what it has handed out. */
async function startBearerRegistry(options: BearerOptions = {}) {
  const { takes = () => true } = options;
  let tokens = 0;
  const token = options.token ?? ((_, count) => reply({ token: `t${count}`, expires_in: 300 }));
  const server = await startServer(async (request): Promise<Reply> => {
    if (request.url.startsWith("/token")) {
      tokens += 1;
      return await token(new URL(request.url, "http://x").searchParams, tokens);
    }
    const sent = request.headers.authorization?.replace("Bearer ", "");
    if (sent !== undefined && takes(sent)) return { status: request.method === "PUT" ? 201 : 200 };
    const challenge = options.challenge ?? ((origin: string) => `Bearer realm="${origin}/token",service="svc"`);
    return { status: 401, headers: { "www-authenticate": challenge(server.origin) } };
  });
  return server;
}

const reply = (body: unknown, status = 200): Reply => ({ status, body: JSON.stringify(body) });
const tokenRequests = (requests: readonly SeenRequest[]) => requests.filter(({ url }) => url.startsWith("/token"));
const registryRequests = (requests: readonly SeenRequest[]) => requests.filter(({ url }) => url.startsWith("/v2/"));
const queryOf = (request: SeenRequest | undefined) => new URL(request?.url ?? "", "http://x").searchParams;

describe("signing in", () => {
  it("asks the realm for the scope it needs where the challenge names none, anonymously without Authorization", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();

    await headBlob(client.repository(server.host), digest, never);

    const [token] = tokenRequests(server.requests);
    expect(queryOf(token).get("service")).toBe("svc");
    expect(queryOf(token).getAll("scope")).toEqual(["repository:team/app:pull"]);
    expect(token?.headers.authorization).toBeUndefined();
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t1");
  });

  it("sends user and password to the realm only", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();

    await headBlob(client.repository(server.host, { credentials: user }), digest, never);

    expect(tokenRequests(server.requests).map(({ headers }) => headers.authorization)).toEqual([basic]);
    expect(registryRequests(server.requests).map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
    ]);
  });

  it("fetches tokens beforehand once the challenge is known", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();
    await headBlob(client.repository(server.host), digest, never);

    await headBlob(client.repository(server.host, { name: "team/other" }), digest, never);

    expect(registryRequests(server.requests).map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
      "Bearer t2",
    ]);
  });

  it("keeps one token per repository, right and account", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();
    const repositories = [
      client.repository(server.host),
      client.repository(server.host, { actions: ["push", "pull"] }),
      client.repository(server.host, { credentials: user }),
      client.repository(server.host, { actions: ["pull", "push"] }),
    ];

    for (const repository of repositories) await headBlob(repository, digest, never);

    expect(tokenRequests(server.requests).map((request) => queryOf(request).get("scope"))).toEqual([
      "repository:team/app:pull",
      "repository:team/app:pull,push",
      "repository:team/app:pull",
    ]);
  });

  it("fetches a token once for all who wait for it", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();

    await Promise.all(Array.from({ length: 10 }, () => headBlob(client.repository(server.host), digest, never)));

    expect(tokenRequests(server.requests)).toHaveLength(1);
  });

  it("does not take the others along when one who waits for a token gives up", async () => {
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await using server = await startBearerRegistry({
      token: async () => {
        asked.resolve();
        await answer.promise;
        return reply({ token: "t", expires_in: 300 });
      },
    });
    await using client = createTestClient();
    const aborter = new AbortController();
    const givesUp = headBlob(client.repository(server.host), digest, aborter.signal);
    const waits = headBlob(client.repository(server.host), digest, never);
    await asked.promise;

    aborter.abort(new Error("cancelled"));
    const thrown = await thrownBy(() => givesUp);
    answer.resolve();
    await waits;

    expect(thrown).toBe(aborter.signal.reason);
    expect(tokenRequests(server.requests)).toHaveLength(1);
  });

  it.each([
    ["expires_in, 60 s early", { token: "t", expires_in: 1_000 }, 940],
    ["a short expires_in, a fifth of it early", { token: "t", expires_in: 100 }, 80],
    ["a very short one, too", { token: "t", expires_in: 30 }, 24],
    ["60 s where none is told", { token: "t" }, 48],
    ["60 s where it has ended as it comes: one clock is wrong", { token: jwt({ exp: 5_100 }) }, 48],
    ["expires_in where only the JWT has ended", { token: jwt({ exp: 5_100 }), expires_in: 200 }, 160],
    ["expires_in where the JWT lives for no time", { token: jwt({ iat: 5_000, exp: 5_000 }), expires_in: 200 }, 160],
    ["the JWT's own, if shorter", { access_token: jwt({ iat: 5_000, exp: 5_100 }), expires_in: 3_600 }, 80],
  ])("renews a token after %s", async (_, answer, seconds) => {
    await using server = await startBearerRegistry({ token: () => reply(answer) });
    await using client = createTestClient();
    const repository = client.repository(server.host);
    await headBlob(repository, digest, never);

    client.clock.advance(seconds * 1_000 - 1);
    await headBlob(repository, digest, never);
    const before = tokenRequests(server.requests).length;
    client.clock.advance(1);
    await headBlob(repository, digest, never);

    expect([before, tokenRequests(server.requests).length]).toEqual([1, 2]);
  });

  it("fetches a new token once when one is no longer taken", async () => {
    let revoked = "";
    await using server = await startBearerRegistry({ takes: (token) => token !== revoked });
    await using client = createTestClient();
    const repository = client.repository(server.host);
    await headBlob(repository, digest, never);
    revoked = "t1";

    await Promise.all([headBlob(repository, digest, never), headBlob(repository, digest, never)]);

    expect(tokenRequests(server.requests)).toHaveLength(2);
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t2");
  });

  it("gives up on the second 401 and says whose credentials were refused", async () => {
    await using server = await startBearerRegistry({ takes: () => false });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", httpStatus: 401, retryable: false });
    expect(registryRequests(server.requests)).toHaveLength(2);
  });

  it("fails retryably when a stream met an expired token, and succeeds when it is sent again", async () => {
    let revoked = "";
    await using server = await startBearerRegistry({ takes: (token) => token !== revoked });
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target", actions: ["pull", "push"] });
    const session = { location: `${server.origin}/v2/team/app/blobs/uploads/1`, offsetBytes: 0 };
    const put = () => putBlob(repository, session, { digest, sizeBytes: 7, content: stream("content") }, never);
    await headBlob(repository, digest, never);
    revoked = "t1";

    const thrown = await thrownBy(put);
    const outcome = await put();

    expect(thrown).toMatchObject({ code: "TARGET_UNAUTHORIZED", retryable: true });
    expect(outcome).toEqual({ kind: "done" });
  });

  it("asks an unknown host how to sign in before it sends a stream there", async () => {
    await using server = await startBearerRegistry();
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target", actions: ["pull", "push"] });
    const session = { location: `${server.origin}/v2/team/app/blobs/uploads/1`, offsetBytes: 0 };

    const outcome = await putBlob(repository, session, { digest, sizeBytes: 7, content: stream("content") }, never);

    expect(outcome).toEqual({ kind: "done" });
    expect(registryRequests(server.requests).map(({ method, url }) => `${method} ${url.split("?", 1)}`)).toEqual([
      "GET /v2/",
      "PUT /v2/team/app/blobs/uploads/1",
    ]);
  });

  it("asks a host that takes everybody only once", async () => {
    await using server = await startServer(() => ({ status: 200 }));
    await using client = createTestClient();
    const repository = client.repository(server.host, { credentials: user });

    await headBlob(repository, digest, never);
    await headBlob(repository, digest, never);

    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });

  it("uses Basic where the registry asks for it, from then on at once", async () => {
    await using server = await startServer(({ headers }) =>
      headers.authorization === basic
        ? { status: 200 }
        : { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } },
    );
    await using client = createTestClient();
    const repository = client.repository(server.host, { credentials: user });

    await headBlob(repository, digest, never);
    await headBlob(repository, digest, never);

    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic, basic]);
  });

  it("asks for the scope that the challenge names besides its own", async () => {
    await using server = await startBearerRegistry({
      challenge: (origin) => `Basic realm="x", Bearer realm="${origin}/token",scope="repository:remote/app:pull"`,
    });
    await using client = createTestClient();
    const repository = client.repository(server.host);

    await headBlob(repository, digest, never);
    await headBlob(repository, digest, never);

    expect(tokenRequests(server.requests)).toHaveLength(1);
    expect(queryOf(tokenRequests(server.requests)[0]).getAll("scope")).toEqual([
      "repository:remote/app:pull",
      "repository:team/app:pull",
    ]);
  });

  it("mounts with one token for both repositories, and takes a refused token as a refused mount", async () => {
    await using server = await startBearerRegistry({
      token: (query) => (query.getAll("scope").length > 1 ? reply({ errors: [{ code: "DENIED" }] }, 403) : reply({})),
    });
    await using client = createTestClient();
    const repository = client.repository(server.host, { side: "target", actions: ["pull", "push"] });

    const outcome = await mountBlob(repository, { digest, from: "base/os" }, never);

    expect(outcome).toEqual({ kind: "refused", status: 403 });
    expect(queryOf(tokenRequests(server.requests)[0]).getAll("scope")).toEqual([
      "repository:base/os:pull",
      "repository:team/app:pull,push",
    ]);
  });

  it("sends no credentials to a realm without TLS", async () => {
    await using client = createTestClient();
    const access = client.access("r.example", { credentials: user, insecure: false });
    const tokens = createTokens({ now: client.clock.now, fetch: () => Promise.reject(new Error("was asked")) });
    const query = { realm: "http://auth.example/token", service: undefined, scopes: [] };

    const thrown = await thrownBy(() => tokens.get(access, query, never));

    expect(thrown).toMatchObject({ code: "HOST_NOT_ALLOWED", retryable: false });
  });

  it("tries a token service that fails as often as any other request, not that often squared", async () => {
    await using server = await startBearerRegistry({ token: () => reply({}, 500) });
    await using client = createTestClient({ limits: { attempts: 3 } });

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", httpStatus: 500, retryable: true });
    expect(tokenRequests(server.requests)).toHaveLength(3);
  });

  it("says that the token service refused, and never with what", async () => {
    await using server = await startBearerRegistry({
      token: () => reply({ details: "incorrect username or password" }, 401),
    });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { credentials: user }), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", retryable: false });
    expect(thrown instanceof ImportError && JSON.stringify(thrown.toWire())).toContain("incorrect username");
    expect(thrown instanceof ImportError && JSON.stringify(thrown.toWire())).not.toContain("pass:word");
  });

  it("fails when the token service answers without a token", async () => {
    await using server = await startBearerRegistry({ token: () => reply({ expires_in: 5 }) });
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
  });
});

function jwt(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.signature`;
}

async function* stream(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
