import type { ImportState } from "../../domain/import-record.ts";
import { stateLooks } from "../import-states.ts";

/** The state of an import, by word and colour. */
export function StateBadge({ state }: { readonly state: ImportState }) {
  return <span class={`badge ${stateLooks[state].tone}`}>{state}</span>;
}
