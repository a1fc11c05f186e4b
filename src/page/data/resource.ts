import { type Api, isMissing, type Outcome, type Refusal } from "./api.ts";

/** What the page knows of something the API answers. */
export interface Snapshot<T> {
  /** The newest that came; it stays when a later request fails. */
  readonly value: T | undefined;
  /** Of that value. */
  readonly etag: string | undefined;
  /** It is not there, or was deleted while it was shown. */
  readonly isGone: boolean;
  /** The last request was refused with this. */
  readonly refusal: Refusal | undefined;
}

export const nothingYet: Snapshot<never> = { value: undefined, etag: undefined, isGone: false, refusal: undefined };

/** How often something is asked for: `live` changes by the second, `idle` seldom, `still` not by itself. */
export type Pace = "live" | "idle" | "still";

/** One path of the API that is on screen. */
export interface Resource {
  readonly path: string;
  readonly pace: () => Pace;
  /** What the rest of the screen belongs to: it must not wait until each of the others had its turn. */
  readonly isLead: boolean;
  /** Asks once; the outcome is in the snapshot already. */
  readonly load: () => Promise<Outcome<unknown>>;
}

export interface ResourceOptions<T> {
  readonly api: Pick<Api, "get">;
  readonly path: string;
  readonly isLead: boolean;
  readonly pace: (value: T | undefined) => Pace;
  readonly onChange: () => void;
}

export type TypedResource<T> = Resource & { readonly snapshot: () => Snapshot<T> };

/** Keeps the newest answer of a path, asked for by its ETag. */
export function createResource<T>({ api, path, isLead, pace, onChange }: ResourceOptions<T>): TypedResource<T> {
  let snapshot: Snapshot<T> = nothingYet;
  const set = (next: Snapshot<T>) => {
    snapshot = next;
    onChange();
  };
  let asked = 0;
  let answered = 0;
  const load = async () => {
    asked += 1;
    const turn = asked;
    const outcome = await api.get<T>(path, snapshot.etag);
    if (turn < answered) return outcome; // a later request was faster: what this one says is older
    answered = turn;
    if (outcome.kind === "ok") {
      set({ value: outcome.value, etag: outcome.etag, isGone: false, refusal: undefined });
    } else if (outcome.kind === "same") {
      if (snapshot.refusal !== undefined) set({ ...snapshot, refusal: undefined });
    } else if (outcome.kind === "refused") {
      set({ ...snapshot, isGone: isMissing(outcome), refusal: outcome });
    }
    return outcome;
  };
  return {
    ...{ path, isLead },
    pace: () => (snapshot.isGone ? "still" : pace(snapshot.value)),
    load,
    snapshot: () => snapshot,
  };
}
