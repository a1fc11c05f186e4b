import type { Snapshot } from "../data/resource.ts";
import { FailedOutcome } from "./failed-outcome.tsx";
import { Loading } from "./loading.tsx";

/** What stands in for a list that is not there yet, and why the newest look at it failed. */
export function SnapshotState({ snapshot }: { readonly snapshot: Snapshot<unknown> }) {
  if (snapshot.refusal !== undefined) return <FailedOutcome what="Loading" outcome={snapshot.refusal} />;
  return snapshot.value === undefined ? <Loading /> : null;
}
