import type { ImportId } from "../../../src/domain/import-id.ts";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import type { Imports } from "../../../src/store/imports.ts";
import type { Open, OpenImport } from "../../../src/store/open.ts";
import type { Secrets } from "../../../src/store/secrets.ts";

/** Imports as the table keeps them: a write under an old ETag is a conflict. */
export function createMemoryImports(...records: readonly ImportRecord[]) {
  const rows = new Map(records.map((record) => [record.id, { record, etag: "1" }]));
  let writes = 0;
  const write = (record: ImportRecord) => {
    writes += 1;
    const stored = { record, etag: String(writes + 1) };
    rows.set(record.id, stored);
    return stored;
  };
  const imports = {
    read: async (id) => rows.get(id),
    replace: async ({ record, etag }) => (rows.get(record.id)?.etag === etag ? write(record) : "conflict"),
    update: async (id, change) => {
      const before = rows.get(id)?.record;
      const after = before && change(before);
      if (after !== undefined && after !== before) write(after);
      return rows.get(id)?.record;
    },
  } satisfies Pick<Imports, "read" | "replace" | "update">;
  return {
    imports,
    /** As another process does. */
    write,
    delete: (id: ImportId) => rows.delete(id),
    record: (id: ImportId) => rows.get(id)?.record,
    writes: () => writes,
  };
}

/** Table `Open` with these rows. */
export function createMemoryOpen(...initial: readonly OpenImport[]) {
  const rows = new Map(initial.map((row) => [row.id, row]));
  const open = {
    list: async () => [...rows.values()],
    delete: async (id, attempt) => {
      if ((rows.get(id)?.attempt ?? 0) <= attempt) rows.delete(id);
    },
    requestStop: async (id, attempt) => {
      const row = rows.get(id);
      if (row === undefined || row.attempt > attempt) return false;
      rows.set(id, { ...row, isStopped: true });
      return true;
    },
    takeBack: async (id, attempt, look) => {
      const row = rows.get(id);
      const found = await look();
      if (row === undefined || found === undefined) return false;
      rows.set(id, { ...row, attempt, ...found });
      return true;
    },
    readStopped: async () => [...rows.values()].filter(({ isStopped }) => isStopped).map(({ id }) => id),
  } satisfies Pick<Open, "list" | "delete" | "requestStop" | "takeBack" | "readStopped">;
  return { open, ids: () => [...rows.keys()] };
}

/** Secrets of these imports. */
export function createMemorySecrets(...ids: readonly ImportId[]) {
  const held = new Set(ids);
  const secrets = {
    deleteUntil: async (id) => {
      held.delete(id);
    },
  } satisfies Pick<Secrets, "deleteUntil">;
  return { secrets, ids: () => [...held] };
}

/** What was logged, by event. */
export function createMemoryLog() {
  const lines: { readonly event: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  const log = (event: string, fields: Readonly<Record<string, unknown>>) => {
    lines.push({ event, fields });
  };
  return { log, lines, events: () => lines.map(({ event }) => event) };
}
