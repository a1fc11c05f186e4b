import { createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { SignJWT } from "jose";
import { makeCertificate } from "./certificates.ts";
import type { TokenAuth } from "./docker-registry.ts";
import { startServer, type TestServer } from "./http-server.ts";

export interface RealmUser {
  readonly password: string;
  readonly actions: readonly ("pull" | "push")[];
}

/** A token service whose tokens a docker-registry takes: signed by the key of a certificate that it is given. */
export interface TokenRealm extends AsyncDisposable, Pick<TestServer, "host" | "requests"> {
  readonly auth: TokenAuth;
}

const service = "docker-registry";
const issuer = "token-realm";

/** Source: distribution, "Token Authentication Specification" and "Token Authentication Implementation". */
export async function startTokenRealm(users: Readonly<Record<string, RealmUser>>): Promise<TokenRealm> {
  const { key, cert } = makeCertificate("token-realm.test");
  const signer = createPrivateKey(key);
  const chain = [new X509Certificate(cert).raw.toString("base64")];

  const issue = (name: string, access: readonly object[]): Promise<string> =>
    new SignJWT({ access })
      .setProtectedHeader({ alg: "ES256", typ: "JWT", x5c: chain })
      .setIssuer(issuer)
      .setAudience(service)
      .setSubject(name)
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore("-10s")
      .setExpirationTime("5m")
      .sign(signer);

  const server = await startServer(async ({ url, headers }) => {
    const [, encoded = ""] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
    const [name = "", password] = Buffer.from(encoded, "base64").toString("utf8").split(":");
    const user = users[name];
    if (user === undefined || user.password !== password) return { status: 401, body: "{}" };
    const scopes = new URL(url, "http://realm").searchParams.getAll("scope").flatMap((text) => text.split(" "));
    const access = scopes.flatMap((scope) => {
      const [, repository, asked = ""] = /^repository:([^:]+):([a-z,]+)$/.exec(scope) ?? [];
      if (repository === undefined) return []; // nobody may list repositories
      const actions = asked.split(",").filter((action) => user.actions.some((may) => may === action));
      return [{ type: "repository", name: repository, actions }];
    });
    const token = await issue(name, access);
    return {
      status: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, expires_in: 300 }),
    };
  });
  return {
    host: server.host,
    requests: server.requests,
    auth: { realm: `${server.origin}/token`, service, issuer, certificate: cert },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
