import { HttpRequest } from "@azure/functions";
import { expect, it } from "vitest";
import { createForgetImport } from "../../../src/functions/forget-import.ts";
import { createDeleteImport } from "../../../src/functions/triggers/delete-import.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createMemoryImports } from "./memory-stores.ts";

it("deletes nothing of an import that is retried meanwhile", async () => {
  const failed = aRecord({ state: "Failed" });
  const { imports, write, record } = createMemoryImports(failed);
  const deleted: string[] = [];
  const forgetImport = createForgetImport({
    imports: {
      delete: async (id, etag) => ((await imports.read(id))?.etag === etag ? "deleted" : "conflict"),
    },
    open: {
      insert: async () => void write({ ...failed, state: "Accepted", attempt: 2 }), // the retry comes here
      delete: async (_, attempt) => void deleted.push(`open row of attempt ${attempt}`),
    },
    parts: { deleteAll: async () => void deleted.push("parts") },
    secrets: { deleteUntil: async () => void deleted.push("secrets") },
    now: () => new Date(),
  });
  const handle = createDeleteImport({ imports, forgetImport });
  const url = "http://drayage.test/api/imports/x";

  const deleting = handle(new HttpRequest({ method: "DELETE", url, params: { id: failed.id } }));

  await expect(deleting).rejects.toMatchObject({ code: "IMPORT_STATE_CONFLICT" });
  expect(record(failed.id)).toMatchObject({ state: "Accepted", attempt: 2 });
  expect(deleted).toEqual(["open row of attempt 1"]); // which leaves that of attempt 2
});
