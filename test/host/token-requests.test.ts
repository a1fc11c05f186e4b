import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { image } from "../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Api, startApi } from "./api-support/start-api.ts";

const user = { username: "drayage", password: "password-of-drayage" };
const imports = 40;
const places = Array.from({ length: imports }, (_, at) => ({ repository: `team/app${at % 4}`, tag: `t${at}` }));
let source: TestRegistry;
let target: TestRegistry;
let api: Api;

beforeAll(async () => {
  const auth = { kind: "bearer", users: { [user.username]: user.password } } as const;
  [source, target] = await Promise.all([startRegistry({ auth }), startRegistry({ auth })]);
  const hosts = `${source.host},${target.host}`;
  api = await startApi({
    settings: {
      ...{ INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts, DEFAULT_TARGET: target.host },
      ...{ ALLOWED_SOURCES: source.host, ALLOWED_TARGETS: target.host },
      REGISTRIES: JSON.stringify([source, target].map(({ host }) => ({ host, auth: { kind: "password", ...user } }))),
    },
  });
  for (const [at, { repository, tag }] of places.entries())
    await source.seedImage(repository, tag, image({ layers: [500], seed: `image ${at}` }));
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await Promise.all([source.close(), target.close()]);
});

/** How often each set of scopes was asked for since. */
function countByScopes({ tokenRequests }: TestRegistry, since: number): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { scopes } of tokenRequests.slice(since)) {
    const key = scopes.join(" ");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

async function importAll(prefix: string): Promise<void> {
  const records = await Promise.all(
    places.map(({ repository, tag }) =>
      api.importAndWait({
        source: `${source.host}/${repository}:${tag}`,
        targetTags: [`${prefix}/${repository}:${tag}`],
      }),
    ),
  );
  expect(records.map(({ state }) => state)).toEqual(places.map(() => "Succeeded"));
}

describe("40 imports at a time", () => {
  it("ask each registry once for each set of scopes", async () => {
    await importAll("first");

    expect([...countByScopes(source, 0)].sort()).toEqual(
      [0, 1, 2, 3].map((at) => [`repository:team/app${at}:pull`, 1]),
    );
    const asked = countByScopes(target, 0);
    expect([...asked].filter(([, count]) => count > 1)).toEqual([]);
    expect(asked.get("repository:first/team/app0:pull,push")).toBe(1);
  });

  it("ask once more when a registry takes its tokens back", async () => {
    const before = { source: source.tokenRequests.length, target: target.tokenRequests.length };
    source.revokeTokens();

    await importAll("second");

    expect([...countByScopes(source, before.source).values()]).toEqual([1, 1, 1, 1]);
    expect([...countByScopes(target, before.target).values()].filter((count) => count > 1)).toEqual([]);
  });
});
