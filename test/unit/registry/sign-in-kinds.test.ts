import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { ImportError } from "../../../src/errors.ts";
import { headBlob } from "../../../src/registry/blobs.ts";
import type { Credentials, UserPassword } from "../../../src/registry/registry.ts";
import { type Reply, startServer } from "../../helpers/http-server.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { type AccessOptions, createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const digest = digestOf(Buffer.from("content"));
const user = { kind: "password", username: "user", password: "pass:word" } as const;
const json = (body: unknown, status = 200): Reply => ({ status, body: JSON.stringify(body) });

/** An Entra identity whose token number n is `entra-n`; `asked` counts. */
function entraIdentity(): Credentials & { readonly asked: () => number } {
  let asked = 0;
  const accessToken = async () => {
    asked += 1;
    return `entra-${asked}`;
  };
  return { kind: "entra", account: "the app", accessToken, asked: () => asked };
}

/** A user whose password number n is `p-n`, renewed when one is refused. */
function renewingUser(): Credentials & { readonly given: readonly string[] } {
  const given: string[] = [];
  let held: UserPassword = { username: "AWS", password: "p-1" };
  const current = async (_: unknown, refused: UserPassword | undefined) => {
    if (refused === held) held = { username: "AWS", password: `p-${Number(held.password.slice(2)) + 1}` };
    given.push(held.password);
    return held;
  };
  return { kind: "expiring", account: "the AWS account", current, given };
}

/** A registry with a token service that answers each request as `token` says. */
async function startTokenRealm(token: (form: URLSearchParams, method: string, authorization?: string) => Reply) {
  const server = await startServer(async ({ url, method, headers, body }): Promise<Reply> => {
    if (url.startsWith("/token")) {
      const form = method === "POST" ? new URLSearchParams(body.toString()) : new URL(url, "http://x").searchParams;
      return token(form, method, headers.authorization);
    }
    if (headers.authorization?.startsWith("Bearer ")) return { status: 200 };
    return { status: 401, headers: { "www-authenticate": `Bearer realm="${server.origin}/token",service="svc"` } };
  });
  return server;
}

describe("a user and password at a token service", () => {
  it.each([404, 405])("are POSTed where the GET form is answered %i, from then on at once", async (status) => {
    const forms: URLSearchParams[] = [];
    await using server = await startTokenRealm((form, method) => {
      if (method === "GET") return { status };
      forms.push(form);
      return json({ access_token: "t", expires_in: 300 });
    });
    await using client = createTestClient();

    for (const name of ["team/app", "team/other"])
      await headBlob(client.repository(server.host, { name, credentials: user }), digest, never);

    const asked = server.requests.filter(({ url }) => url.startsWith("/token")).map(({ method }) => method);
    expect(asked).toEqual(["GET", "POST", "POST"]);
    expect(Object.fromEntries(forms[0] ?? [])).toMatchObject({
      ...{ grant_type: "password", username: user.username, password: user.password },
      ...{ service: "svc", scope: "repository:team/app:pull" },
    });
  });

  it("are not tried in another form when they are refused", async () => {
    await using server = await startTokenRealm(() => json({ errors: [{ code: "UNAUTHORIZED" }] }, 401));
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { credentials: user }), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", registry: server.host, retryable: false });
    expect(thrown instanceof ImportError && thrown.message).toContain("user name or password is wrong");
    expect(server.requests.filter(({ url }) => url.startsWith("/token"))).toHaveLength(1);
  });
});

describe("a sign-in that is refused", () => {
  it.each([
    [
      "of a wrong or expired token (GHCR: apple/container#183, akuity/kargo#778)",
      user,
      "user name or password is wrong",
    ],
    ["of nobody", { kind: "anonymous" } as const, "give source.credentials"],
  ])("with 403 says what may be wrong: %s", async (_, credentials, hint) => {
    await using server = await startTokenRealm(() => json({ errors: [{ code: "DENIED", message: "denied" }] }, 403));
    await using client = createTestClient();

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { credentials }), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_FORBIDDEN", retryable: false });
    expect(String(thrown)).toContain(hint);
    expect(String(thrown)).toContain("lacks the right");
    expect(String(thrown)).not.toContain("credentials are valid");
  });

  it("is not tried again for ten seconds, by however many imports", async () => {
    await using server = await startTokenRealm(() => json({}, 401));
    await using client = createTestClient();
    const repository = client.repository(server.host, { credentials: user });
    const tokenRequests = () => server.requests.filter(({ url }) => url.startsWith("/token")).length;
    const signIn = () => thrownBy(() => headBlob(repository, digest, never));

    for (let round = 0; round < 5; round += 1) await Promise.all(Array.from({ length: 40 }, signIn));
    const asked = tokenRequests();
    client.clock.advance(10_000);
    const thrown = await signIn();

    expect(asked).toBe(1);
    expect(tokenRequests()).toBe(2);
    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", retryable: false });
  });

  it("is tried again although the time of day was set back meanwhile", async () => {
    await using server = await startTokenRealm(() => json({}, 401));
    await using client = createTestClient();
    const repository = client.repository(server.host, { credentials: user });
    const tokenRequests = () => server.requests.filter(({ url }) => url.startsWith("/token")).length;
    await thrownBy(() => headBlob(repository, digest, never));

    client.clock.setBack(3_600_000);
    client.clock.advance(10_000);
    await thrownBy(() => headBlob(repository, digest, never));

    expect(tokenRequests()).toBe(2);
  });

  it("keeps nobody else out", async () => {
    await using server = await startTokenRealm((_, __, authorization) =>
      authorization === basic("user", "right") ? json({ token: "t" }) : json({}, 401),
    );
    await using client = createTestClient();
    await thrownBy(() => headBlob(client.repository(server.host, { credentials: user }), digest, never));

    const credentials = { ...user, password: "right" };
    await headBlob(client.repository(server.host, { credentials }), digest, never);

    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t");
  });
});

describe("an identity token", () => {
  it("is POSTed as refresh token to the realm", async () => {
    await using server = await startTokenRealm((form, method) =>
      method === "POST" && form.get("grant_type") === "refresh_token" && form.get("refresh_token") === "identity"
        ? json({ access_token: "t" })
        : json({}, 400),
    );
    await using client = createTestClient();
    const credentials = { kind: "identityToken", token: "identity" } as const;

    await headBlob(client.repository(server.host, { credentials }), digest, never);

    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t");
  });

  it.each([
    [401, "SOURCE_UNAUTHORIZED", "has expired"],
    [400, "SOURCE_UNAUTHORIZED", "has expired"],
    [404, "SOURCE_UNAVAILABLE", "no tokens of this kind"],
  ])("that is answered %i ends in %s, once", async (status, code, hint) => {
    await using server = await startTokenRealm(() => json({}, status));
    await using client = createTestClient();
    const credentials = { kind: "identityToken", token: "identity" } as const;

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { credentials }), digest, never));

    expect(thrown).toMatchObject({ code, retryable: false });
    expect(thrown instanceof ImportError && thrown.message).toContain(hint);
    expect(thrown instanceof ImportError && JSON.stringify(thrown.toWire())).not.toContain('"identity"');
    expect(server.requests.filter(({ url }) => url.startsWith("/token"))).toHaveLength(1);
  });

  it("alone is no use to a registry that wants a user name", async () => {
    await using server = await startServer(() => ({ status: 401, headers: { "www-authenticate": 'Basic realm="r"' } }));
    await using client = createTestClient();
    const credentials = { kind: "identityToken", token: "identity" } as const;

    const thrown = await thrownBy(() => headBlob(client.repository(server.host, { credentials }), digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", message: expect.stringContaining("user name") });
    expect(server.requests).toHaveLength(1);
  });
});

describe("Entra at an Azure Container Registry", () => {
  const acr = (entra: (token: string) => string | undefined = () => "identity", lifetimeSeconds = 300) =>
    startRegistry({ auth: { kind: "bearer", users: { admin: "secret" }, entra, lifetimeSeconds } });
  const pathsOf = (registry: Awaited<ReturnType<typeof acr>>) => registry.tokenRequests.map(({ path }) => path);

  it("is exchanged once for all scopes, and asked for a token once per scope, by however many at a time", async () => {
    await using registry = await acr();
    await using client = createTestClient();
    const credentials = entraIdentity();
    const names = ["team/a", "team/b"];
    const imports = Array.from({ length: 40 }, (_, at) => names[at % 2]);

    await Promise.all(
      imports.flatMap((name = "") =>
        (["source", "target"] as const).map((side) =>
          headBlob(client.repository(registry.host, { side, name, credentials }), digest, never),
        ),
      ),
    );

    expect(pathsOf(registry).filter((path) => path === "/oauth2/exchange")).toHaveLength(1);
    expect(pathsOf(registry).filter((path) => path === "/oauth2/token")).toHaveLength(2);
    expect(credentials.asked()).toBe(1);
  });

  it("renews access tokens with the refresh token that is kept, until that one ends", async () => {
    const started = Date.now();
    let nowMs = started;
    await using registry = await startRegistry({
      auth: { kind: "bearer", users: {}, entra: () => "identity", now: () => nowMs },
    });
    await using client = createTestClient();
    const repository = client.repository(registry.host, { credentials: entraIdentity() });
    const advance = (ms: number) => {
      nowMs += ms;
      client.clock.advance(ms);
    };

    await headBlob(repository, digest, never);
    advance(300_000);
    await headBlob(repository, digest, never);
    advance(3 * 3_600_000);
    await headBlob(repository, digest, never);

    expect(pathsOf(registry)).toEqual([
      ...["/oauth2/exchange", "/oauth2/token"],
      "/oauth2/token",
      ...["/oauth2/exchange", "/oauth2/token"],
    ]);
  });

  it("is exchanged anew, with a new Entra token, when its refresh token is no longer taken", async () => {
    await using registry = await acr((token) => (token.startsWith("entra-") ? "identity" : undefined));
    await using client = createTestClient();
    const credentials = entraIdentity();
    await headBlob(client.repository(registry.host, { credentials }), digest, never);
    registry.revokeRefreshTokens();
    client.clock.advance(60_000);

    await headBlob(client.repository(registry.host, { name: "team/other", credentials }), digest, never);

    expect(credentials.asked()).toBe(2);
    expect(registry.tokenRequests.map(({ path, status }) => `${path} ${status}`).slice(2)).toEqual([
      ...["/oauth2/token 401", "/oauth2/exchange 200", "/oauth2/token 200"],
    ]);
  });

  it("ends in one refusal when the registry does not take the Entra token", async () => {
    await using registry = await acr(() => undefined);
    await using client = createTestClient();
    const repository = client.repository(registry.host, { side: "target", credentials: entraIdentity() });

    const thrown = await thrownBy(() => headBlob(repository, digest, never));

    expect(thrown).toMatchObject({ code: "TARGET_UNAUTHORIZED", httpStatus: 401, retryable: false });
    expect(thrown instanceof ImportError && thrown.message).toContain("the Entra token has expired");
    expect(registry.tokenRequests).toHaveLength(1);
  });

  it("is refused to each side in its own name", async () => {
    await using registry = await acr(() => undefined);
    await using client = createTestClient();
    const credentials = entraIdentity();

    const thrown = await Promise.all(
      (["source", "target"] as const).map((side) =>
        thrownBy(() => headBlob(client.repository(registry.host, { side, credentials }), digest, never)),
      ),
    );

    expect(thrown).toMatchObject([{ code: "SOURCE_UNAUTHORIZED" }, { code: "TARGET_UNAUTHORIZED" }]);
  });

  it("shows its tokens to the registry's own host only, wherever the challenge leads", async () => {
    await using elsewhere = await startServer(() => json({ access_token: "t", refresh_token: "r" }));
    await using server = await startServer(({ url, headers }): Reply => {
      if (url === "/oauth2/exchange") return json({ refresh_token: "refresh" });
      if (url === "/oauth2/token") return json({ access_token: "access" });
      if (headers.authorization === "Bearer access") return { status: 200 };
      return { status: 401, headers: { "www-authenticate": `Bearer realm="${elsewhere.origin}/token",service="s"` } };
    });
    await using client = createTestClient();

    await headBlob(client.repository(server.host, { credentials: entraIdentity() }), digest, never);

    expect(elsewhere.requests).toEqual([]);
    expect(server.requests.map(({ url }) => url.split("?", 1)[0])).toContain("/oauth2/exchange");
  });

  it("hands a token of one registry to no other that claims the same realm and service", async () => {
    const startAcr = (token: string, realm?: string) =>
      startServer(({ url, headers }): Reply => {
        if (url === "/oauth2/exchange") return json({ refresh_token: `refresh of ${token}` });
        if (url === "/oauth2/token") return json({ access_token: token, expires_in: 300 });
        if (headers.authorization?.startsWith("Bearer ")) return { status: 200 };
        const challenge = `Bearer realm="${realm ?? `http://${headers.host}/oauth2/token`}",service="prod"`;
        return { status: 401, headers: { "www-authenticate": challenge } };
      });
    await using prod = await startAcr("prods-own");
    await using other = await startAcr("others-own", `${prod.origin}/oauth2/token`);
    await using client = createTestClient();
    const credentials = entraIdentity();

    await headBlob(client.repository(prod.host, { credentials }), digest, never);
    await headBlob(client.repository(other.host, { credentials }), digest, never);

    expect(other.requests.map(({ headers }) => headers.authorization ?? "")).not.toContain("Bearer prods-own");
    expect(other.requests.at(-1)?.headers.authorization).toBe("Bearer others-own");
  });

  it("takes the name and password of a token with a scope map by GET", async () => {
    await using registry = await acr();
    await using client = createTestClient();
    const credentials = { kind: "password", username: "admin", password: "secret" } as const;

    await headBlob(client.repository(registry.host, { credentials }), digest, never);

    expect(registry.tokenRequests).toMatchObject([
      { method: "GET", path: "/oauth2/token", status: 200, user: "admin" },
    ]);
  });

  it("gives a refresh token that signs in by itself", async () => {
    await using registry = await acr();
    await using client = createTestClient();
    const token = await client.exchange(client.access(registry.host, { credentials: entraIdentity() }), never);
    const credentials = { kind: "identityToken", token } as const;

    await headBlob(client.repository(registry.host, { credentials }), digest, never);

    expect(registry.tokenRequests.map(({ path, user }) => [path, user])).toEqual([
      ["/oauth2/exchange", "identity"],
      ["/oauth2/token", "identity"],
    ]);
  });
});

describe("a password that expires", () => {
  it("is renewed once when a token service no longer takes it", async () => {
    await using server = await startTokenRealm((_, __, authorization) =>
      authorization === basic("AWS", "p-2") ? json({ token: "t" }) : json({}, 401),
    );
    await using client = createTestClient();

    await headBlob(client.repository(server.host, { credentials: renewingUser() }), digest, never);

    expect(server.requests.filter(({ url }) => url.startsWith("/token"))).toHaveLength(2);
  });

  it("is renewed once when a registry with Basic no longer takes it, and then the refusal stands", async () => {
    await using server = await startServer(() => ({ status: 401, headers: { "www-authenticate": 'Basic realm="r"' } }));
    await using client = createTestClient();
    const credentials = renewingUser();
    const repository = client.repository(server.host, { credentials });
    await thrownBy(() => headBlob(repository, digest, never));

    const thrown = await thrownBy(() => headBlob(repository, digest, never));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAUTHORIZED", retryable: false });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      ...[basic("AWS", "p-1"), basic("AWS", "p-1"), basic("AWS", "p-2")],
    ]);
  });
});

describe("the hint of a refusal", () => {
  const challenged = (scheme: string) => ({ status: 401, headers: { "www-authenticate": scheme } });
  const password = { kind: "password", username: "user", password: "wrong" } as const;
  const refusalOf = async (access: AccessOptions, reply: Reply) => {
    await using server = await startServer(() => reply);
    await using client = createTestClient();
    return await thrownBy(() => headBlob(client.repository(server.host, access), digest, never));
  };

  it.each([
    ["request", "check source.credentials"],
    ["entry", "check the registry's entry in REGISTRIES"],
    [undefined, "check source.credentials, or the registry's entry in REGISTRIES"],
  ] as const)(
    "names where a wrong password came from (%s), with Basic as with tokens",
    async (credentialsFrom, where) => {
      const error = await refusalOf({ credentials: password, credentialsFrom }, challenged('Basic realm="r"'));

      expect(String(error)).toMatch(new RegExp(`; user name or password is wrong or has expired: ${where}$`));
    },
  );

  it.each([
    [undefined, "nobody has signed in: give source.credentials, or name the registry in REGISTRIES; private and"],
    ["settings", "nobody has signed in: name the registry in REGISTRIES, with its auth; private and"],
  ] as const)("says what to give where nobody has given anything (%s)", async (credentialsFrom, hint) => {
    const error = await refusalOf({ credentialsFrom }, challenged('Basic realm="r"'));

    expect(String(error)).toContain(hint);
  });
});

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
