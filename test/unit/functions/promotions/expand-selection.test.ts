import { describe, expect, it } from "vitest";
import { type Selection, selectionSchema } from "../../../../src/domain/promotion-request-schema.ts";
import { createRegistries } from "../../../../src/domain/registries.ts";
import { createExpandPage } from "../../../../src/functions/promotions/expand-selection.ts";
import {
  formatSelectedSource,
  type SelectionCursor,
  type SelectionPage,
  selectionCursorSchema,
} from "../../../../src/functions/promotions/selection-page.ts";
import { startDockerRegistry } from "../../../helpers/docker-registry.ts";
import { startServer } from "../../../helpers/http-server.ts";
import { image, pushImage } from "../../../helpers/images.ts";
import { needs } from "../../../helpers/needs.ts";
import { startRegistry, type TestRegistry } from "../../../helpers/registry.ts";
import { createTestClient, type TestClient, thrownBy } from "../../../helpers/registry-client.ts";

const never = new AbortController().signal;

function expander(client: TestClient, now = () => new Date()) {
  return createExpandPage({
    sourceOf: (host) => client.repository(host).registry,
    names: { defaultTarget: "t.example", registries: createRegistries([], undefined), registrySuffix: "azurecr.io" },
    assertAllowedSource: () => undefined,
    now,
  });
}

function aSelection(registry: string, source: object, more: object = {}): Selection {
  return selectionSchema.parse({ source: { registry, ...source }, ...more });
}

/** Every page, each cursor having gone through its schema as JSON. */
async function expand(
  client: TestClient,
  selection: Selection,
  now?: () => Date,
): Promise<{ readonly pages: readonly SelectionPage[]; readonly names: readonly string[] }> {
  const expandPage = expander(client, now);
  const pages: SelectionPage[] = [];
  let cursor: SelectionCursor | undefined;
  do {
    const page: SelectionPage = await expandPage(selection, cursor, never);
    pages.push(page);
    cursor = page.next && selectionCursorSchema.parse(JSON.parse(JSON.stringify(page.next)));
  } while (cursor !== undefined);
  const names = pages.flatMap(({ items }) => items.map((item) => shortName(formatSelectedSource(item))));
  return { pages, names };
}

const shortName = (reference: string) => reference.slice(reference.indexOf("/") + 1);

/** Another time at each look: every page ends at its first occasion. */
function hurriedClock(): () => Date {
  let ms = 0;
  return () => {
    ms += 3_600_000;
    return new Date(ms);
  };
}

async function seedTags(registry: TestRegistry, repository: string, tags: readonly string[]): Promise<void> {
  const seeded = image({ layers: [10] });
  await registry.seedImage(repository, undefined, seeded);
  for (const tag of tags) await registry.seedImage(repository, tag, { ...seeded, blobs: [], manifests: [] });
}

describe("expandPage", () => {
  it("needs no list of repositories for those that are named", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await seedTags(registry, "team/app", ["v1", "v2", "edge"]);
    await seedTags(registry, "team/other", ["v1"]);

    const selection = aSelection(registry.host, {
      repositories: ["team/other", "team/app"],
      tags: { include: ["v*"] },
    });
    const { names, pages } = await expand(client, selection);

    expect(names).toEqual(["team/other:v1", "team/app:v1", "team/app:v2"]);
    expect(pages).toHaveLength(1);
    expect(pages[0]?.items[0]?.target).toEqual({ repository: "team/other", tag: "v1" });
    expect(registry.countRequests({ kind: "catalog" })).toBe(0);
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(0);
  });

  it("finds repositories by globs and prefixes, each once", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    for (const name of ["team/app", "team/web", "team/deep/one", "other/app", "lib"])
      await seedTags(registry, name, ["1"]);
    const found = async (...repositories: string[]) =>
      (await expand(client, aSelection(registry.host, { repositories }))).names.map((name) => name.slice(0, -2));

    expect(await found("team/*")).toEqual(["team/app", "team/web"]);
    expect(await found("team/")).toEqual(["team/app", "team/deep/one", "team/web"]);
    expect(await found("**/app", "team/*", "team/web")).toEqual(["team/web", "other/app", "team/app"]);
    expect(await found("nothing/*")).toEqual([]);
  });

  it("gives the same images whatever the pages, each once", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const tags = Array.from({ length: 250 }, (_, at) => `1.${at}`);
    for (const name of ["a/one", "b/two", "b/three"]) await seedTags(registry, name, tags);
    const selection = aSelection(registry.host, { repositories: ["b/*", "a/one"] });

    const whole = await expand(client, selection);
    const hurried = await expand(client, selection, hurriedClock());

    expect(whole.pages.map(({ items }) => items.length)).toEqual([500, 250]);
    expect(hurried.pages.length).toBeGreaterThan(8);
    expect(hurried.names).toEqual(whole.names);
    expect(new Set(whole.names).size).toBe(750);
  });

  it("keeps the newest tags of each repository, over several pages too", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const tags = Array.from({ length: 1_200 }, (_, at) => `v1.${at}`);
    await seedTags(registry, "team/app", [...tags, "latest"]);
    await seedTags(registry, "team/web", ["2.0", "10.0", "9.0-rc.1", "9.0"]);

    const two = aSelection(registry.host, { repositories: ["team/*"], tags: { newest: 2, exclude: ["latest"] } });
    const many = aSelection(registry.host, { repositories: ["team/app"], tags: { newest: 700 } });
    const hurried = await expand(client, many, hurriedClock());

    expect((await expand(client, two)).names).toEqual([
      "team/app:v1.1199",
      "team/app:v1.1198",
      "team/web:10.0",
      "team/web:9.0",
    ]);
    expect(hurried.names).toEqual(
      tags
        .toReversed()
        .slice(0, 700)
        .map((tag) => `team/app:${tag}`),
    );
    expect((await expand(client, many)).names).toEqual(hurried.names);
  });

  it("finds all tags of a digest by HEAD, and pins them to it", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const [wanted, other] = [image({ seed: "a" }), image({ seed: "b" })];
    for (const tag of ["1", "1.0", "stable", "no"]) await registry.seedImage("team/app", tag, wanted);
    await registry.seedImage("team/app", "2", other);
    const digest = wanted.root.digest;

    const tags = { digest, exclude: ["no"] };
    const { names } = await expand(client, aSelection(registry.host, { repositories: ["team/app"], tags }));

    expect(names).toEqual(["1", "1.0", "stable"].map((tag) => `team/app:${tag}@${digest}`));
    expect(registry.countRequests({ kind: "manifest-head" })).toBe(4);
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(0);
  });

  it("asks from the newest tag on which ones hold a digest, and stops when it has enough, whatever the pages", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const [wanted, other] = [image({ seed: "a" }), image({ seed: "b" })];
    await registry.seedImage("team/app", undefined, wanted);
    await registry.seedImage("team/app", undefined, other);
    const held = new Set([5, 60, 120, 290]);
    for (let at = 0; at < 400; at += 1) {
      const tagged = held.has(at) ? wanted : other;
      await registry.seedImage("team/app", `1.${at}`, { ...tagged, blobs: [], manifests: [] });
    }
    const tags = { digest: wanted.root.digest, newest: 2 };
    const selection = aSelection(registry.host, { repositories: ["team/app"], tags });

    const whole = await expand(client, selection);
    const heads = registry.countRequests({ kind: "manifest-head" });
    const hurried = await expand(client, selection, hurriedClock());

    expect(whole.names).toEqual(["1.290", "1.120"].map((tag) => `team/app:${tag}@${wanted.root.digest}`));
    expect(heads).toBe(300); // the chunk that has 1.120 ends with 1.100
    expect(hurried.names).toEqual(whole.names);
    expect(hurried.pages).toHaveLength(3);
    expect(registry.countRequests({ kind: "manifest-head" })).toBe(2 * heads);
  });

  it("names targets by the templates, and says which source cannot be named", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await seedTags(registry, "team/app", ["V1"]);
    const named = (target: object) =>
      expander(client)(aSelection(registry.host, { repositories: ["team/*"] }, { target }), undefined, never);

    const { items } = await named({ repository: "prod/{basename}", tag: "{tag}-ok" });
    const refused = await thrownBy(() => named({ repository: "prod/{tag}" }));

    expect(items.map(({ target }) => target)).toEqual([{ repository: "prod/app", tag: "V1-ok" }]);
    expect(refused).toMatchObject({ code: "INVALID_REFERENCE" });
    expect(String(refused)).toContain('of team/app:V1 the template "prod/{tag}" makes "prod/V1"');
  });

  it("refuses two sources for one target tag, and names both", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    for (const name of ["one/app", "two/app"]) await seedTags(registry, name, ["1"]);
    const selection = aSelection(registry.host, { repositories: ["**"] }, { target: { repository: "{basename}" } });

    const refused = await thrownBy(() => expander(client)(selection, undefined, never));

    expect(refused).toMatchObject({ code: "INVALID_REQUEST", retryable: false });
    expect(String(refused)).toContain(
      `${registry.host}/one/app:1 and ${registry.host}/two/app:1 would both become app:1`,
    );
  });

  it("fails for a named repository that is not there, and leaves out one that is only listed", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await seedTags(registry, "team/app", ["1"]);
    await using listing = await startServer(({ url }) => {
      if (url.includes("_catalog")) return { status: 200, body: '{"repositories":["gone","here"]}' };
      if (url.includes("/here/")) return { status: 200, body: '{"tags":["1"]}' };
      return { status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}' };
    });

    const named = aSelection(registry.host, { repositories: ["team/app", "team/none"] });
    const { names, pages } = await expand(client, aSelection(listing.host, { repositories: ["*"] }));

    expect(await thrownBy(() => expand(client, named))).toMatchObject({ code: "SOURCE_NOT_FOUND" });
    expect(names).toEqual(["here:1"]);
    expect(pages.flatMap(({ warnings }) => warnings)).toEqual(["gone is listed by the registry, but has no tags"]);
  });

  it.runIf(needs("docker-registry"))("expands globs at docker-registry, whose tags come in any order", async () => {
    await using registry = await startDockerRegistry();
    await using client = createTestClient();
    const pushed = image({ layers: [10] });
    for (const name of ["team/app", "team/web", "other"])
      for (const tag of ["2.0", "1.0", "1.10", "1.9"]) await pushImage(registry.host, name, tag, pushed);
    const selection = aSelection(registry.host, { repositories: ["team/*"], tags: { semver: "<2" } });

    const { names } = await expand(client, selection, hurriedClock());

    const tags = ["1.0", "1.10", "1.9"];
    expect(names).toEqual(["team/app", "team/web"].flatMap((name) => tags.map((tag) => `${name}:${tag}`)));
  });

  it("expands 5,000 tags in pages of 500, listing each page of the registry a few times only", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await seedTags(
      registry,
      "team/app",
      Array.from({ length: 5_000 }, (_, at) => `1.${at}`),
    );

    const { pages, names } = await expand(client, aSelection(registry.host, { repositories: ["team/app"] }));

    expect(new Set(names).size).toBe(5_000);
    expect(pages.every(({ items }) => items.length <= 500)).toBe(true);
    expect(registry.requests.length).toBeLessThanOrEqual(16);
  });
});
