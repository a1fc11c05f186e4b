import { useRef } from "preact/hooks";
import type { Snapshot } from "./resource.ts";
import { nothingYet } from "./resource.ts";

/** A page of a list, and the token that led to it. */
export interface TurnedPage<T> {
  readonly token: string;
  readonly snapshot: Snapshot<T>;
}

/** The page of a list that is shown: after turning, the one before until there is an answer about the new one. */
export function useTurnedPage<T>(snapshot: Snapshot<T>, token: string): TurnedPage<T> {
  const shown = useRef<TurnedPage<T>>({ token, snapshot: nothingYet });
  const isAnswered = snapshot.value !== undefined || snapshot.refusal !== undefined;
  if (isAnswered || token === shown.current.token) shown.current = { token, snapshot };
  return shown.current;
}
