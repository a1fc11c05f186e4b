import { isDeepStrictEqual } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { createDeadEvents, type DeadEvents } from "../../../src/store/dead-events.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let dead: DeadEvents;

beforeEach(() => {
  dead = createDeadEvents(tables.access);
});

const anEvent = (id: string, minute = 0, data: unknown = {}) => ({
  ...{ specversion: "1.0" as const, id, source: "/here", type: "drayage.import.failed", subject: "t/r:1" },
  ...{ time: `2026-03-01T12:${String(minute).padStart(2, "0")}:00.000Z`, datacontenttype: "application/json", data },
});
const aDeath = (id: string, minute?: number, data?: unknown) => ({
  ...{ sink: "hook", reason: "h answered 503", attempts: 7, diedAt: "2026-03-01T13:00:00.000Z" },
  event: anEvent(id, minute, data),
});

describe("createDeadEvents", () => {
  it("reads back what was put, however long", async () => {
    const long = aDeath("a-1", 0, { text: "字\ud83d\udea2".repeat(20_000) });

    const id = await dead.put(long);

    const read = await dead.read(id);
    expect(isDeepStrictEqual(read?.dead.event, long.event)).toBe(true); // a difference of 140 kB is nothing to print
    expect(read?.dead).toMatchObject({ id, sink: "hook", reason: "h answered 503", attempts: 7 });
  });

  it("has one row for an event at a sink, and another for another sink", async () => {
    const first = await dead.put(aDeath("a-1"));
    const again = await dead.put({ ...aDeath("a-1"), attempts: 14 });
    const other = await dead.put({ ...aDeath("a-1"), sink: "other" });

    expect(again).toBe(first);
    expect(other).not.toBe(first);
    const page = await dead.page(10, undefined);
    expect(page.dead.map(({ id, attempts }) => [id, attempts]).toSorted()).toEqual(
      [
        [first, 14],
        [other, 7],
      ].toSorted(),
    );
  });

  it("lists the newest events first, page by page", async () => {
    for (const minute of [1, 3, 2]) await dead.put(aDeath(`a-${minute}`, minute));

    const first = await dead.page(2, undefined);
    const second = await dead.page(2, first.continuationToken);

    expect(first.dead.map(({ event }) => event.id)).toEqual(["a-3", "a-2"]);
    expect(second.dead.map(({ event }) => event.id)).toEqual(["a-1"]);
    expect(second.continuationToken).toBeUndefined();
  });

  it("keeps what has died again since it was read", async () => {
    const id = await dead.put(aDeath("a-1"));
    const read = await dead.read(id);
    await dead.put({ ...aDeath("a-1"), attempts: 14 });

    await dead.delete(id, read?.etag ?? "");

    const kept = await dead.read(id);
    expect(kept?.dead.attempts).toBe(14);
    await dead.delete(id, kept?.etag ?? "");
    expect(await dead.read(id)).toBeUndefined();
  });
});
