import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/page/data/api.ts";
import { type ChainOptions, createChain } from "../../../src/page/data/chain.ts";
import type { Resource } from "../../../src/page/data/resource.ts";

interface Page {
  readonly rows: readonly string[];
  readonly token: string | undefined;
}

/** Lists of two rows per page, by the token of their first row. */
function createScene(tail: ChainOptions<Page>["tail"]) {
  let rows: readonly string[] = ["d", "c", "b", "a"];
  let isHeld = false;
  const held: (() => void)[] = [];
  const asked: string[] = [];
  const watched = new Map<string, Resource>();
  const answer = (path: string): Page => {
    const at = path === "first" ? 0 : rows.indexOf(path);
    return { rows: rows.slice(at, at + 2), token: rows[at + 2] };
  };
  const get = async <T>(path: string): Promise<Outcome<T>> => {
    asked.push(path);
    if (isHeld && path !== "first") await new Promise<void>((resolve) => held.push(resolve));
    return new Response(JSON.stringify(answer(path)))
      .json()
      .then((value: T) => ({ kind: "ok", value, etag: undefined }));
  };
  const chain = createChain<Page>(
    {
      api: { get },
      watch: (resource) => {
        watched.set(resource.path, resource);
        resource.load().catch(() => {});
        return () => watched.delete(resource.path);
      },
      onChange: () => {},
    },
    () => ({ first: "first", next: (pages) => pages.at(-1)?.token, tail, lead: "first", pace: () => "live" }),
  );
  return {
    chain,
    asked,
    watched,
    /** Walks on until nothing more comes. */
    settle: async () => {
      for (let turns = 0; turns < 10; turns += 1) {
        chain.hold(chain.walk());
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    addNewest: (row: string) => {
      rows = [row, ...rows];
    },
    holdAnswers: (hold: boolean) => {
      isHeld = hold;
      for (const release of held.splice(0)) release();
    },
    rows: () => chain.snapshots(chain.walk()).flatMap(({ value }) => value?.rows ?? []),
  };
}

describe("pages that follow each other", () => {
  it("are not asked for again when something new comes before them", async () => {
    const scene = createScene("kept");
    await scene.settle();
    scene.addNewest("e");
    const before = scene.asked.length;

    await scene.watched.get("first")?.load();
    await scene.settle();

    expect(scene.asked.slice(before)).toEqual(["first"]);
    expect(scene.rows()).toEqual(["e", "d", "b", "a"]);
  });

  it("stay on screen, where they are followed, until those that take their places are there", async () => {
    const scene = createScene("followed");
    await scene.settle();
    scene.addNewest("e");
    scene.holdAnswers(true);

    await scene.watched.get("first")?.load();
    await scene.settle();
    expect(scene.rows()).toEqual(["e", "d", "b", "a"]);
    scene.holdAnswers(false);
    await scene.settle();

    expect(scene.rows()).toEqual(["e", "d", "c", "b", "a"]);
    expect([...scene.watched.keys()]).toEqual(["first", "c", "a"]);
  });

  it("end with what they belong to", async () => {
    const scene = createScene("kept");
    await scene.settle();

    scene.chain.close();

    expect(scene.watched.size).toBe(0);
  });
});
