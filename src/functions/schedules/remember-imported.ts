import type { ScheduleTags } from "../../store/schedule-tags.ts";
import type { AfterEnd } from "../end-import.ts";
import { tagOfImport } from "./scheduled-tag.ts";

/** Writes down what a schedule's import has brought, so that the next run leaves it alone. Any other import is none of it. */
export function createRememberImported(scheduleTags: Pick<ScheduleTags, "write">): AfterEnd {
  return async (record) => {
    const brought = tagOfImport(record);
    if (brought !== undefined) await scheduleTags.write(brought.tag, brought.digest);
  };
}
