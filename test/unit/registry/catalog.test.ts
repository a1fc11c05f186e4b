import { describe, expect, it } from "vitest";
import { listRepositoryPages } from "../../../src/registry/catalog.ts";
import { firstPage, type ListPage, type PagePosition } from "../../../src/registry/list-pages.ts";
import { listTagPages } from "../../../src/registry/tags.ts";
import { startDockerRegistry } from "../../helpers/docker-registry.ts";
import { startServer } from "../../helpers/http-server.ts";
import { image, pushImage } from "../../helpers/images.ts";
import { needs } from "../../helpers/needs.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, type RepositoryOptions, type TestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;

async function pages(list: AsyncIterable<ListPage>): Promise<readonly ListPage[]> {
  const all: ListPage[] = [];
  for await (const page of list) all.push(page);
  return all;
}

function catalogOf(client: TestClient, host: string, from: PagePosition = firstPage, options: RepositoryOptions = {}) {
  return pages(listRepositoryPages(client.repository(host, options).registry, from, never));
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `team/app-${String(at).padStart(3, "0")}`);

describe("listRepositoryPages", () => {
  it("lists every repository, and from any of its pages on", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    for (const name of names(201)) await registry.seedImage(name, "1", image());

    const all = await catalogOf(client, registry.host);
    const rest = await catalogOf(client, registry.host, all[0]?.next);

    expect(all.map(({ entries }) => entries.length)).toEqual([100, 100, 1]);
    expect(all.flatMap(({ entries }) => entries)).toEqual(names(201));
    expect(all.at(-1)?.next).toBeUndefined();
    expect(rest).toEqual(all.slice(1));
  });

  it.runIf(needs("docker-registry"))("pages through docker-registry", async () => {
    await using registry = await startDockerRegistry();
    await using client = createTestClient();
    const pushed = image({ layers: [10] });
    await Promise.all(names(130).map((name) => pushImage(registry.host, name, "1", pushed)));

    const all = await catalogOf(client, registry.host);

    expect(all.flatMap(({ entries }) => entries)).toEqual(names(130));
    expect(all.length).toBeGreaterThan(1);
  });

  it("signs in with the scope of the catalog", async () => {
    await using registry = await startRegistry({ auth: { kind: "bearer", users: { ci: "pw" } } });
    await using client = createTestClient();
    await registry.seedImage("team/app", "1", image());
    const credentials = { kind: "password", username: "ci", password: "pw" } as const;

    const [page] = await catalogOf(client, registry.host, firstPage, { credentials });

    expect(page?.entries).toEqual(["team/app"]);
    expect(registry.tokenRequests.at(-1)?.scopes).toEqual(["registry:catalog:*"]);
  });

  it.each([
    [401, "UNAUTHORIZED"],
    [403, "DENIED"],
    [404, "NOT_FOUND"],
    [405, "UNSUPPORTED"],
    [400, "UNSUPPORTED"],
  ])("says of %i %s that the registry does not list its repositories", async (status, code) => {
    await using server = await startServer(() => ({ status, body: JSON.stringify({ errors: [{ code }] }) }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => catalogOf(client, server.host));

    expect(thrown).toMatchObject({ code: "SOURCE_CATALOG_REFUSED", httpStatus: status, retryable: false });
    expect(String(thrown)).toContain("without globs");
  });

  it("takes trouble for trouble", async () => {
    await using server = await startServer(() => ({ status: 500 }));
    await using client = createTestClient();

    expect(await thrownBy(() => catalogOf(client, server.host))).toMatchObject({ code: "SOURCE_UNAVAILABLE" });
  });
});

describe("listTagPages", () => {
  it("goes on behind Links that mean something to their registry alone", async () => {
    await using server = await startServer(({ url }) => {
      const at = Number(new URL(url, "http://x").searchParams.get("next_page") ?? 0);
      const link = `</v2/team/app/tags/list?n=1000&next_page=${at + 1}>; rel="next"`;
      return { status: 200, headers: at < 3 ? { link } : {}, body: JSON.stringify({ tags: [`t${at}`] }) };
    });
    await using client = createTestClient();
    const list = (from: PagePosition) => pages(listTagPages(client.repository(server.host), from, never));

    const all = await list(firstPage);

    expect(all.flatMap(({ entries }) => entries)).toEqual(["t0", "t1", "t2", "t3"]);
    for (const [at, { next }] of all.entries()) expect(next && (await list(next))).toEqual(next && all.slice(at + 1));
  });

  it("ends where a page begun anew leads back to itself", async () => {
    const link = '</v2/team/app/tags/list?last=z>; rel="next"';
    await using server = await startServer(() => ({ status: 200, headers: { link }, body: '{"tags":["z"]}' }));
    await using client = createTestClient();

    const all = await pages(listTagPages(client.repository(server.host), { after: "z", skip: 0 }, never));

    expect(all).toEqual([{ entries: ["z"], next: undefined }]);
  });
});
