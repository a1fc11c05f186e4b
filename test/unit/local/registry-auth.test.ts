import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startRegistry, type TestRegistry } from "../../helpers/registry.ts";

const tokenSchema = z.looseObject({ token: z.string(), refresh_token: z.string().optional() });
const users = { alice: "secret" };
const basic = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`,
});

async function challengeOf(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  const header = response.headers.get("www-authenticate") ?? "";
  const parameters = Object.fromEntries(
    [...header.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  return { status: response.status, header, parameters };
}

async function tokenFor(registry: TestRegistry, scope: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${registry.url}/token?service=registry&scope=${encodeURIComponent(scope)}`, {
    headers,
  });
  return tokenSchema.parse(await response.json()).token;
}

describe("basic authentication", () => {
  it("lets the right password in and nobody else", async () => {
    await using registry = await startRegistry({ auth: { kind: "basic", users } });
    const base = `${registry.url}/v2/`;

    const statuses = [
      await fetch(base),
      await fetch(base, { headers: basic("wrong") }),
      await fetch(base, { headers: basic("secret") }),
    ].map(({ status }) => status);

    expect(statuses).toEqual([401, 401, 200]);
  });
});

describe("bearer authentication", () => {
  it("says which rights a request needs, those on a mount's source too", async () => {
    await using registry = await startRegistry({ auth: { kind: "bearer", users, endpoint: "own-port" } });
    const uploads = `${registry.url}/v2/team/app/blobs/uploads/`;

    const mount = await challengeOf(`${uploads}?mount=sha256:${"0".repeat(64)}&from=team/base`, { method: "POST" });

    expect(mount.status).toBe(401);
    expect(mount.parameters).toMatchObject({
      service: "registry",
      scope: "repository:team/app:pull,push repository:team/base:pull",
    });
    expect(new URL(String(mount.parameters.realm)).port).not.toBe(new URL(registry.url).port);
  });

  it("takes a token only for the repository and actions it was made for", async () => {
    await using registry = await startRegistry({ auth: { kind: "bearer", users } });
    await registry.seedBlob({ repository: "team/app", content: new Uint8Array(3) });
    const token = await tokenFor(registry, "repository:team/app:pull", basic("secret"));
    const headers = { authorization: `Bearer ${token}` };

    const pull = await fetch(`${registry.url}/v2/team/app/tags/list`, { headers });
    const push = await challengeOf(`${registry.url}/v2/team/app/blobs/uploads/`, { method: "POST", headers });
    const other = await challengeOf(`${registry.url}/v2/team/other/tags/list`, { headers });

    expect([pull.status, push.status, other.status]).toEqual([200, 401, 401]);
    expect(push.parameters.error).toBe("insufficient_scope");
    expect(registry.tokenRequests).toMatchObject([
      { user: "alice", scopes: ["repository:team/app:pull"], status: 200 },
    ]);
  });

  it("gives anonymous clients pulls alone, where that is allowed", async () => {
    await using registry = await startRegistry({ auth: { kind: "bearer", users, anonymous: "pull" } });

    await tokenFor(registry, "repository:team/app:pull,push");

    expect(registry.tokenRequests[0]?.granted).toEqual([{ type: "repository", name: "team/app", actions: ["pull"] }]);
  });

  it("refuses tokens that have expired or were revoked", async () => {
    let nowMs = Date.now();
    const auth = { kind: "bearer", users, lifetimeSeconds: 60, now: () => nowMs } as const;
    await using registry = await startRegistry({ auth });
    const check = async (token: string) => {
      const { status, parameters } = await challengeOf(`${registry.url}/v2/`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return [status, parameters.error];
    };
    const first = await tokenFor(registry, "", basic("secret"));

    const fresh = await check(first);
    nowMs += 61_000;
    const expired = await check(first);
    const second = await tokenFor(registry, "", basic("secret"));
    registry.revokeTokens();
    const revoked = await check(second);

    expect([fresh, expired, revoked]).toEqual([
      [200, undefined],
      [401, "invalid_token"],
      [401, "invalid_token"],
    ]);
  });

  it("exchanges a refresh token by POST", async () => {
    await using registry = await startRegistry({ auth: { kind: "bearer", users } });
    const post = async (form: Record<string, string>) =>
      tokenSchema.parse(
        await (await fetch(`${registry.url}/token`, { method: "POST", body: new URLSearchParams(form) })).json(),
      );

    const first = await post({ grant_type: "password", username: "alice", password: "secret", access_type: "offline" });
    const second = await post({
      grant_type: "refresh_token",
      refresh_token: first.refresh_token ?? "",
      scope: "repository:a:pull repository:b:push",
    });

    expect(second).toMatchObject({ access_token: expect.any(String), expires_in: 300 });
    expect(registry.tokenRequests[1]).toMatchObject({
      user: "alice",
      scopes: ["repository:a:pull", "repository:b:push"],
    });
  });
});
