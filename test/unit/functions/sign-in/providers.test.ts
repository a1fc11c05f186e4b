import { afterEach, describe, expect, it, vi } from "vitest";
import type { SignIn } from "../../../../src/domain/sign-in.ts";
import type { ErrorPlace } from "../../../../src/errors.ts";
import { createSignIn } from "../../../../src/functions/sign-in/create-sign-in.ts";
import { createEcr } from "../../../../src/functions/sign-in/ecr.ts";
import { createEntra, type EntraDeps } from "../../../../src/functions/sign-in/entra.ts";
import { createGoogle } from "../../../../src/functions/sign-in/google.ts";
import { signInFailure } from "../../../../src/functions/sign-in/sign-in-failure.ts";
import { createVault, type VaultDeps } from "../../../../src/functions/sign-in/vault.ts";
import type { Credentials, UserPassword } from "../../../../src/registry/registry.ts";
import { type Reply, startServer } from "../../../helpers/http-server.ts";
import { createFakeClock, thrownBy } from "../../../helpers/registry-client.ts";

const never = new AbortController().signal;
const place: ErrorPlace = { side: "target", registry: "r.example", stage: "resolve" };
const ecrHost = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const json = (body: unknown, status = 200): Reply => ({ status, body: JSON.stringify(body) });

afterEach(() => {
  vi.unstubAllEnvs();
});

interface World {
  readonly readSecret?: VaultDeps["readSecret"];
  readonly getToken?: EntraDeps["getToken"];
}

function createWorld({ readSecret = async () => undefined, getToken = async () => "token" }: World = {}) {
  const clock = createFakeClock();
  const vault = createVault({ readSecret, now: clock.now });
  const toCredentials = createSignIn({
    entra: createEntra({ getToken, readSecret: vault }),
    ecr: createEcr({ readSecret: vault, now: clock.now }),
    google: createGoogle({ readSecret: vault, now: clock.now }),
    readSecret: vault,
  });
  return { clock, toCredentials };
}

const userOf = async (credentials: Credentials, refused?: UserPassword): Promise<UserPassword> => {
  if (credentials.kind !== "expiring") throw new Error(`${credentials.kind} gives no password`);
  return await credentials.current(place, refused, never);
};
const tokenOf = async (credentials: Credentials): Promise<string> => {
  if (credentials.kind !== "entra") throw new Error(`${credentials.kind} gives no token`);
  return await credentials.accessToken(place, never);
};
const failed = (message: string, properties: object) => Object.assign(new Error(message), properties);

describe("a secret of the key vault", () => {
  const at = { host: "r.example", isAcr: false };
  const named: SignIn = { kind: "vault", username: "robot", secret: "hub" };

  it("is read once for minutes, and again when its password is refused", async () => {
    const values = ["old", "new", "newest"];
    let reads = 0;
    const { clock, toCredentials } = createWorld({ readSecret: async () => values[reads++] });
    const credentials = toCredentials(named, at);
    const first = await userOf(credentials);
    const fresh = await userOf(credentials, first);
    clock.advance(60_000);
    const renewed = await userOf(credentials, first);
    clock.advance(300_000);
    const later = await userOf(credentials);

    expect([first, fresh, renewed, later].map(({ password }) => password)).toEqual(["old", "old", "new", "newest"]);
    expect(first).toBe(fresh);
    expect(reads).toBe(3);
  });

  it("that is named without a user holds both as JSON", async () => {
    const { toCredentials } = createWorld({ readSecret: async () => '{"username":"u","password":"p"}' });

    expect(await userOf(toCredentials({ ...named, username: undefined }, at))).toEqual({
      username: "u",
      password: "p",
    });
  });

  it.each([
    [
      "is not there",
      async () => Promise.reject(failed("gone", { statusCode: 404 })),
      "TARGET_UNAUTHORIZED",
      "no secret of this name",
    ],
    [
      "is not for the app",
      async () => Promise.reject(failed("no", { statusCode: 403 })),
      "TARGET_UNAUTHORIZED",
      "Key Vault Secrets User",
    ],
    [
      "cannot be reached",
      async () => Promise.reject(failed("no", { code: "ENOTFOUND" })),
      "TARGET_UNAVAILABLE",
      "KEY_VAULT_URL",
    ],
    ["is empty", async () => "", "TARGET_UNAUTHORIZED", "is empty"],
  ])("that %s ends in what to do", async (_, readSecret, code, hint) => {
    const thrown = await thrownBy(() => userOf(createWorld({ readSecret }).toCredentials(named, at)));

    expect(thrown).toMatchObject({
      code,
      side: "target",
      registry: "r.example",
      message: expect.stringContaining(hint),
    });
    expect(thrown).toMatchObject({ retryable: code === "TARGET_UNAVAILABLE" });
  });
});

describe("Entra", () => {
  const app: SignIn = { kind: "entra", identity: { kind: "app", clientId: undefined } };

  it("asks for the audience of registries, and in clouds that do not know it for that of their resource manager", async () => {
    const scopes: string[] = [];
    const { toCredentials } = createWorld({
      getToken: async (_, scope) => {
        scopes.push(scope);
        if (scope.includes("containerregistry"))
          throw failed("AADSTS500011", { name: "AuthenticationError", statusCode: 400 });
        return "token";
      },
    });

    const token = await tokenOf(toCredentials(app, { host: "prod.azurecr.cn", isAcr: true }));

    expect(token).toBe("token");
    expect(scopes).toEqual([
      "https://containerregistry.azure.net/.default",
      "https://management.chinacloudapi.cn/.default",
    ]);
  });

  it.each([
    ["CredentialUnavailableError", undefined, "TARGET_UNAUTHORIZED"],
    ["AuthenticationError", 400, "TARGET_UNAUTHORIZED"],
    ["AuthenticationError", 503, "TARGET_UNAVAILABLE"],
  ])("that answers %s %s is %s", async (name, statusCode, code) => {
    const { toCredentials } = createWorld({
      getToken: () => Promise.reject(failed("no identity\nTrace ID: x", { name, statusCode })),
    });

    const thrown = await thrownBy(() => tokenOf(toCredentials(app, { host: "prod.azurecr.io", isAcr: true })));

    expect(thrown).toMatchObject({ code, message: expect.stringContaining("managed identity") });
    expect(thrown).toMatchObject({ message: expect.not.stringContaining("Trace ID") });
  });

  it("reads the secret of a service principal again when it is refused", async () => {
    const values = ["old", "new"];
    const tried: unknown[] = [];
    const { clock, toCredentials } = createWorld({
      readSecret: async () => values.shift(),
      getToken: async (account) => {
        tried.push(account);
        clock.advance(60_000);
        if (account.kind === "servicePrincipal" && account.clientSecret === "new") return "token";
        throw failed("AADSTS7000215", { name: "AuthenticationError", statusCode: 401 });
      },
    });
    const identity = { kind: "servicePrincipal", tenantId: "t", clientId: "c", secret: { secret: "sp" } } as const;

    const token = await tokenOf(toCredentials({ kind: "entra", identity }, { host: "prod.azurecr.io", isAcr: true }));

    expect(token).toBe("token");
    expect(tried).toMatchObject([{ tenantId: "t", clientSecret: "old" }, { clientSecret: "new" }]);
  });
});

describe("ECR", () => {
  const keys = { accessKeyId: "AKIA", secret: { value: "hush" } };

  it("gives user and password until they expire, once for all who ask", async () => {
    let asked = 0;
    await using server = await startServer(() => {
      asked += 1;
      const authorizationToken = Buffer.from(`AWS:password-${asked}`).toString("base64");
      return json({ authorizationData: [{ authorizationToken, expiresAt: clock.now().getTime() / 1_000 + 3_600 }] });
    });
    vi.stubEnv("AWS_ENDPOINT_URL_ECR", server.origin);
    const { clock, toCredentials } = createWorld();
    const credentials = toCredentials({ kind: "ecr", keys }, { host: ecrHost, isAcr: false });

    const first = await Promise.all(Array.from({ length: 40 }, () => userOf(credentials)));
    clock.advance(3_590_000);
    const later = await userOf(credentials);

    expect(new Set(first.map(({ username, password }) => `${username} ${password}`))).toEqual(
      new Set(["AWS password-1"]),
    );
    expect(later.password).toBe("password-2");
    expect(server.requests.map(({ headers }) => headers["x-amz-target"])).toEqual(
      Array(2).fill("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
    );
  });

  it("gives what a wrong clock takes for expired for a minute all the same", async () => {
    const authorizationToken = Buffer.from("AWS:password").toString("base64");
    await using server = await startServer(() =>
      json({ authorizationData: [{ authorizationToken, expiresAt: 5_000 }] }),
    );
    vi.stubEnv("AWS_ENDPOINT_URL_ECR", server.origin);
    const { toCredentials } = createWorld();
    const credentials = toCredentials({ kind: "ecr", keys }, { host: ecrHost, isAcr: false });

    for (const _ of [1, 2, 3]) await userOf(credentials);

    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ["ThrottlingException", "TARGET_RATE_LIMITED"],
    ["TooManyRequestsException", "TARGET_RATE_LIMITED"],
    ["RequestTimeout", "TARGET_UNAVAILABLE"],
  ])("asks again where AWS answers 400 %s", async (type, code) => {
    await using server = await startServer(() => json({ __type: type, message: "Rate exceeded" }, 400));
    vi.stubEnv("AWS_ENDPOINT_URL_ECR", server.origin);
    const credentials = createWorld().toCredentials({ kind: "ecr", keys }, { host: ecrHost, isAcr: false });

    for (const _ of [1, 2]) expect(await thrownBy(() => userOf(credentials))).toMatchObject({ code, retryable: true });

    expect(server.requests).toHaveLength(2);
  });

  it("asks again where AWS does not answer in time", () => {
    const cause = failed("Socket timed out", { name: "TimeoutError" });

    expect(signInFailure(place, { what: "AWS gives no token", hint: "wait", cause })).toMatchObject({
      ...{ code: "TARGET_UNAVAILABLE", retryable: true },
    });
  });

  it("says what the account lacks, asks once and repeats no key", async () => {
    await using server = await startServer(() =>
      json({ __type: "AccessDeniedException", message: "not allowed" }, 400),
    );
    vi.stubEnv("AWS_ENDPOINT_URL_ECR", server.origin);
    const credentials = createWorld().toCredentials({ kind: "ecr", keys }, { host: ecrHost, isAcr: false });

    const [thrown] = await Promise.all(Array.from({ length: 40 }, () => thrownBy(() => userOf(credentials))));
    await thrownBy(() => userOf(credentials)); // the refusal holds for some seconds

    expect(thrown).toMatchObject({
      ...{ code: "TARGET_UNAUTHORIZED", retryable: false },
      message: expect.stringContaining("ecr:GetAuthorizationToken"),
    });
    expect(thrown).toMatchObject({ message: expect.not.stringContaining("hush") });
    expect(server.requests).toHaveLength(1);
  });
});

describe("Google", () => {
  it("gives the access token of the environment's account as a password", async () => {
    await using server = await startServer(({ url }) => {
      const reply = url.includes("/token")
        ? json({ access_token: "ya29", expires_in: 3_600, token_type: "Bearer" })
        : json("x");
      return { ...reply, headers: { "metadata-flavor": "Google", "content-type": "application/json" } };
    });
    vi.stubEnv("GCE_METADATA_HOST", server.host);
    vi.stubEnv("METADATA_SERVER_DETECTION", "assume-present");
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", "");
    vi.stubEnv("HOME", "/dev/null"); // no key file of whoever runs this
    const { toCredentials } = createWorld();
    const credentials = toCredentials({ kind: "google", key: undefined }, { host: "eu-docker.pkg.dev", isAcr: false });

    expect(await userOf(credentials)).toEqual({ username: "oauth2accesstoken", password: "ya29" });
  });

  it("refuses what is no key, and does not repeat it", async () => {
    const { toCredentials } = createWorld();
    const key = { value: '{"private_key":"hush"}' };

    const thrown = await thrownBy(() =>
      userOf(toCredentials({ kind: "google", key }, { host: "eu-docker.pkg.dev", isAcr: false })),
    );

    expect(thrown).toMatchObject({
      code: "TARGET_UNAUTHORIZED",
      message: expect.stringContaining("no key of a service"),
    });
    expect(thrown).toMatchObject({ message: expect.not.stringContaining("hush") });
  });
});
