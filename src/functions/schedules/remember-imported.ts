import type { ScheduleTags } from "../../store/schedule-tags.ts";
import type { Schedules } from "../../store/schedules.ts";
import type { AfterEnd } from "../end-import.ts";
import { tagOfImport } from "./scheduled-tag.ts";

export interface RememberImportedDeps {
  readonly schedules: Pick<Schedules, "find">;
  readonly scheduleTags: Pick<ScheduleTags, "write">;
}

/**
 * Writes down what a schedule's import has brought, so that the next run leaves it alone. Any other import is none of it,
 * nor is one that ends after its schedule was deleted: nobody would ever delete that row.
 */
export function createRememberImported({ schedules, scheduleTags }: RememberImportedDeps): AfterEnd {
  return async (record) => {
    const brought = tagOfImport(record);
    if (brought === undefined || (await schedules.find(brought.tag.schedule)) === undefined) return;
    await scheduleTags.write(brought.tag, brought.digest);
  };
}
