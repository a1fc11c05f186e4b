import { expect, it } from "vitest";
import { deleteOldRows } from "../../../src/store/old-rows.ts";
import type { RowPage } from "../../../src/store/table.ts";

const before = new Date("2026-03-01T12:00:00.000Z");

/** A table that answers with these pages of row keys, one after another, as a filter on a column may be answered. */
function tableOf(...pages: readonly (readonly string[])[]) {
  const deleted: string[] = [];
  const table = {
    page: async (_query: object, _limit: number, token: string | undefined): Promise<RowPage> => {
      const at = Number(token ?? 0);
      const rows = (pages[at] ?? []).map((rowKey) => ({ row: { partitionKey: "p", rowKey }, etag: "1" }));
      return { rows, continuationToken: at + 1 < pages.length ? String(at + 1) : undefined };
    },
    delete: async ({ rowKey }: { readonly rowKey: string }) => {
      if (rowKey.startsWith("changed")) return "conflict" as const;
      deleted.push(rowKey);
      return "deleted" as const;
    },
  };
  return { table, deleted };
}

it("goes on after pages that hold no row: storage has only looked so far", async () => {
  const { table, deleted } = tableOf([], ["a"], [], [], ["b", "c"], []);

  expect(await deleteOldRows(table, "createdAt", before, () => false)).toBe(3);
  expect(deleted).toEqual(["a", "b", "c"]);
});

it("does not count, and never asks again for, what has changed meanwhile", async () => {
  const { table } = tableOf(["changed", "a"], ["changed too"]);

  expect(await deleteOldRows(table, "createdAt", before, () => false)).toBe(1);
});

it("stops with the page in which its time is over", async () => {
  const { table, deleted } = tableOf(["a"], ["b"], ["c"]);
  let asked = 0;
  const isOver = () => {
    asked += 1;
    return asked === 2;
  };

  expect(await deleteOldRows(table, "createdAt", before, isOver)).toBe(2);
  expect(deleted).toEqual(["a", "b"]);
});
