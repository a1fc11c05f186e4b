import { describe, expect, it } from "vitest";
import { firstPage } from "../../../src/registry/list-pages.ts";
import type { Repository } from "../../../src/registry/registry.ts";
import { listTagPages, repositoryExists } from "../../../src/registry/tags.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { startServer } from "../../helpers/http-server.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;

async function listTags(repository: Repository): Promise<string[]> {
  const all: string[] = [];
  for await (const { entries } of listTagPages(repository, firstPage, never)) all.push(...entries);
  return all;
}

describe("listTagPages", () => {
  it("lists every tag", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    for (const tag of ["a", "b", "c"]) await registry.seedImage("team/app", tag, image());

    expect(await listTags(client.repository(registry.host))).toEqual(["a", "b", "c"]);
  });

  it.each([
    ["relative", ""],
    ["absolute", "http://"],
  ])("follows %s links from page to page", async (_, scheme) => {
    await using server = await startServer(({ url, headers }) => {
      const last = new URL(url, "http://x").searchParams.get("last");
      const base = scheme === "" ? "" : `${scheme}${headers.host}`;
      const link = `<${base}/v2/team/app/tags/list?last=a%2Bb&n=1>; rel="next"`;
      return last === null
        ? { status: 200, headers: { link }, body: '{"tags":["a+b"]}' }
        : { status: 200, body: JSON.stringify({ tags: [`after ${last}`] }) };
    });
    await using client = createTestClient();

    expect(await listTags(client.repository(server.host))).toEqual(["a+b", "after a+b"]);
  });

  it("ends where a link leads back to itself", async () => {
    const link = '</v2/team/app/tags/list?last=z>; rel="next"';
    await using server = await startServer(() => ({ status: 200, headers: { link }, body: '{"tags":["z"]}' }));
    await using client = createTestClient();

    expect(await listTags(client.repository(server.host))).toEqual(["z", "z"]);
  });

  it("takes null for no tags", async () => {
    await using server = await startServer(() => ({ status: 200, body: '{"name":"team/app","tags":null}' }));
    await using client = createTestClient();

    expect(await listTags(client.repository(server.host))).toEqual([]);
  });

  it("asks again for a page that breaks off", async () => {
    await using registry = await startRegistry({
      faults: [truncateBody({ kind: "tags", afterBytes: 10, times: 2 })],
    });
    await using client = createTestClient();
    await registry.seedImage("team/app", "a", image());

    expect(await listTags(client.repository(registry.host))).toEqual(["a"]);
    expect(registry.countRequests({ kind: "tags" })).toBe(3);
  });

  it("throws that a repository is not there", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();

    const thrown = await thrownBy(() => listTags(client.repository(registry.host)));

    expect(thrown).toMatchObject({ code: "SOURCE_NOT_FOUND", httpStatus: 404 });
  });

  it("throws that an answer is no list of tags", async () => {
    await using server = await startServer(() => ({ status: 200, body: "<html>" }));
    await using client = createTestClient();

    const thrown = await thrownBy(() => listTags(client.repository(server.host)));

    expect(thrown).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: false });
  });
});

describe("repositoryExists", () => {
  it("is true for a repository that is there, false for one that is not", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await registry.seedImage("team/app", "1", image());

    expect(await repositoryExists(client.repository(registry.host), never)).toBe(true);
    expect(await repositoryExists(client.repository(registry.host, { name: "team/none" }), never)).toBe(false);
  });

  it.each([
    [404, "404 page not found"],
    [403, ""],
    [405, ""],
    [200, "anything"],
  ])("is true where %i leaves it open", async (status, body) => {
    await using server = await startServer(() => ({ status, body }));
    await using client = createTestClient();

    expect(await repositoryExists(client.repository(server.host), never)).toBe(true);
  });

  it("passes a cancellation on", async () => {
    await using client = createTestClient();

    const thrown = await thrownBy(() => repositoryExists(client.repository("127.0.0.1:1"), AbortSignal.abort("why")));

    expect(thrown).toBe("why");
  });
});
