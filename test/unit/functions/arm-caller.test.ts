import { HttpRequest } from "@azure/functions";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallerDeps, createReadCaller } from "../../../src/functions/arm/caller.ts";
import { createReadToken } from "../../../src/functions/arm/entra-tokens.ts";
import { startServer, type TestServer } from "../../helpers/http-server.ts";
import { createLoopbackNetwork, createTestNetwork } from "../../helpers/network.ts";

const tenantId = "11111111-2222-3333-4444-555555555555";
const oid = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const appId = "bbbbbbbb-cccc-dddd-eeee-ffffffffffff";
const role = "Imports.Write";
const audience = "https://management.azure.com";
const key = "a-key-of-twenty-characters";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;
let tenantKeys: Keys;
let foreignKeys: Keys;
let server: TestServer;
const documents: Record<string, unknown> = {};

beforeAll(async () => {
  tenantKeys = await generateKeyPair("RS256");
  foreignKeys = await generateKeyPair("RS256");
  server = await startServer(({ url }) => {
    const document = documents[url];
    return document === undefined ? { status: 404 } : { status: 200, body: JSON.stringify(document) };
  });
  const published = await exportJWK(tenantKeys.publicKey);
  documents[`/${tenantId}/discovery/v2.0/keys`] = { keys: [{ ...published, kid: "k1", use: "sig" }] };
});
afterAll(() => server[Symbol.asyncDispose]());

const v2Issuer = () => `${server.origin}/${tenantId}/v2.0`;
const nobody = { allowedPrincipals: [], appRole: undefined };

interface TokenChange {
  readonly claims?: JWTPayload;
  readonly kid?: string;
  readonly keys?: Keys;
  readonly expiresIn?: string;
}

function tokenWith({ claims = {}, kid = "k1", keys = tenantKeys, expiresIn = "5m" }: TokenChange = {}) {
  return new SignJWT({ tid: tenantId, oid, iss: v2Issuer(), aud: audience, ...claims })
    .setProtectedHeader({ alg: "RS256", kid })
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(keys.privateKey);
}

const network = createLoopbackNetwork();

function readCaller(change: Partial<CallerDeps> = {}) {
  const entra = { tenantId, authority: server.origin, audiences: [audience, `${audience}/`] };
  return createReadCaller({
    apiKeys: [key],
    isPlatformSignInOn: false,
    readToken: createReadToken({ ...entra, network }),
    rights: { allowedPrincipals: [oid, appId], appRole: role },
    isEmbedded: false,
    ...change,
  });
}

const requestWith = (headers: Record<string, string>) =>
  new HttpRequest({ method: "GET", url: "http://drayage.test/subscriptions", headers });
const bearer = (token: string) => requestWith({ authorization: `Bearer ${token}` });
const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
const principal = (authType: string, ...claims: readonly (readonly [string, string])[]) => {
  const body = { auth_typ: authType, claims: claims.map(([typ, val]) => ({ typ, val })) };
  return requestWith({ "x-ms-client-principal": Buffer.from(JSON.stringify(body)).toString("base64") });
};

describe("a bearer token", () => {
  it.each<[string, () => TokenChange]>([
    ["of a listed user", () => ({})],
    ["of version 1.0", () => ({ claims: { iss: `https://sts.windows.net/${tenantId}/`, aud: `${audience}/` } })],
    ["of a listed app that calls for itself", () => ({ claims: { oid: tenantId, azp: appId } })],
    ["of a holder of the app role", () => ({ claims: { oid: tenantId, roles: [role] } })],
  ])("%s is taken", async (_, change) => {
    expect(await readCaller()(bearer(await tokenWith(change())))).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each<[string, () => TokenChange, string]>([
    ["that has expired", () => ({ expiresIn: "-5m" }), "expired"],
    ["for another audience", () => ({ claims: { aud: "https://graph.microsoft.com" } }), "claim aud"],
    ["of another issuer", () => ({ claims: { iss: `${server.origin}/${oid}/v2.0` } }), "claim iss"],
    ["of another tenant", () => ({ claims: { tid: oid } }), "another tenant"],
    ["with a key id that nobody published", () => ({ kid: "k2" }), "none of the tenant's keys"],
    ["signed by another key", () => ({ keys: foreignKeys }), "signature"],
    ["with claims of another type", () => ({ claims: { roles: "Imports.Write" } }), "claims"],
  ])("%s is refused", async (_, change, reason) => {
    await expect(readCaller()(bearer(await tokenWith(change())))).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining(reason),
    });
  });

  it("without a signature is refused, and so is one that a published key signed as a secret", async () => {
    const claims = { tid: tenantId, oid, iss: v2Issuer(), aud: audience, exp: Math.floor(Date.now() / 1_000) + 300 };
    const unsigned = `${base64url({ alg: "none" })}.${base64url(claims)}.`;
    const secret = new TextEncoder().encode(JSON.stringify(await exportJWK(tenantKeys.publicKey)));
    const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "k1" }).sign(secret);

    for (const token of [unsigned, confused, "no.token", "x"])
      await expect(readCaller()(bearer(token))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  it.each<[string, JWTPayload]>([
    ["somebody else's", { oid: tenantId }],
    ["a listed app's that carries a person's rights", { oid: tenantId, azp: appId, scp: "user_impersonation" }],
    ["one with another role", { oid: tenantId, roles: ["Imports.Read"] }],
  ])("that is %s lets nobody in", async (_, claims) => {
    await expect(readCaller()(bearer(await tokenWith({ claims })))).rejects.toMatchObject({ code: "CALLER_FORBIDDEN" });
  });

  it("is never repeated in an error", async () => {
    const token = await tokenWith({ expiresIn: "-5m" });
    const error: unknown = await readCaller()(bearer(token)).catch((thrown: unknown) => thrown);

    expect(String(error)).not.toContain(token.split(".")[2]);
  });

  it("cannot be judged while the tenant's keys cannot be had", async () => {
    const readToken = createReadToken({ tenantId: oid, authority: server.origin, audiences: [audience], network });

    await expect(readCaller({ readToken })(bearer(await tokenWith()))).rejects.toMatchObject({
      code: "SIGN_IN_UNAVAILABLE",
      retryable: true,
    });
  });
});

describe("the tenant's keys", () => {
  it("are asked of no address that the settings keep the service from", async () => {
    const entra = { tenantId, authority: server.origin, audiences: [audience] };
    const refused: string[] = [];
    const log = (event: string) => refused.push(event);
    const readToken = createReadToken({ ...entra, network: createTestNetwork({ log, isInsecure: () => true }) });

    await expect(readCaller({ readToken })(bearer(await tokenWith()))).rejects.toMatchObject({
      code: "SIGN_IN_UNAVAILABLE",
    });
    expect(refused).toContain("network.refused");
  });
});

describe("a key of API_KEYS", () => {
  it("is taken, and tells callers apart", async () => {
    const read = readCaller({ apiKeys: ["another-key-of-20-chars", key] });

    const [one, other] = await Promise.all(
      [key, "another-key-of-20-chars"].map((given) => read(requestWith({ "x-functions-key": given }))),
    );
    expect(one).not.toBe(other);
    expect(`${one} ${other}`).not.toContain(key);
  });

  it.each(["", "wrong", `${key}x`, key.slice(1)])("that is %j is refused, whatever else is sent", async (given) => {
    const request = requestWith({ "x-functions-key": given, authorization: `Bearer ${await tokenWith()}` });

    await expect(readCaller()(request)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("the platform's sign-in", () => {
  const soapOid = "http://schemas.microsoft.com/identity/claims/objectidentifier";
  const on = { isPlatformSignInOn: true, readToken: undefined } as const;

  it("is believed when it is on", async () => {
    expect(await readCaller(on)(principal("aad", [soapOid, oid]))).toBe(oid);
    expect(await readCaller({ ...on, rights: nobody })(principal("aad", ["oid", tenantId]))).toBe(tenantId);
  });

  it("is nobody's word when it is off: anybody can send the header", async () => {
    const read = readCaller({ readToken: undefined });

    await expect(read(principal("aad", [soapOid, oid]))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  it("keeps out whom the settings do not name", async () => {
    const read = readCaller(on);
    const scope = ["http://schemas.microsoft.com/identity/claims/scope", "user_impersonation"] as const;

    await expect(read(principal("aad", [soapOid, tenantId]))).rejects.toMatchObject({ code: "CALLER_FORBIDDEN" });
    await expect(read(principal("aad", ["oid", tenantId], ["azp", appId], scope))).rejects.toMatchObject({
      code: "CALLER_FORBIDDEN",
    });
    await expect(read(principal("google", [soapOid, oid]))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(read(requestWith({ "x-ms-client-principal": "e30" }))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});

describe("the embedded host", () => {
  const open = { apiKeys: [], readToken: undefined, rights: nobody } as const;

  it("takes anybody as long as no sign-in is set up", async () => {
    expect(await readCaller({ ...open, isEmbedded: true })(bearer("any"))).toBe("local");
    await expect(readCaller({ isEmbedded: true })(bearer("any"))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  it("is the only one that does", async () => {
    await expect(readCaller(open)(bearer("any"))).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining("ARM_TENANT_ID"),
    });
  });
});
