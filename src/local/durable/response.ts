import { parseJson } from "../../json.ts";
import type { RpcReturn } from "../functions-host/rpc.ts";
import { type Action, fieldOf, readActions } from "./actions.ts";
import { sanitize } from "./sanitize.ts";
import { jsonText } from "./tasks.ts";

/** What a worker made of one episode. */
export interface EpisodeResponse {
  readonly actions: readonly Action[];
  readonly isDone: boolean;
  /** JSON text. */
  readonly output: string | null;
  readonly error: string | undefined;
  /** JSON text; undefined: none was sent, which clears it. */
  readonly customStatus: string | undefined;
  /** The orchestrator threw, be it an error or something else. */
  readonly hasThrown: boolean;
}

/** Reads the answer of an orchestrator that returned. */
export function readReturn(returned: RpcReturn): EpisodeResponse {
  return readState(JSON.parse(returned.returnValue?.json ?? returned.returnValue?.string ?? "{}"), false);
}

/**
 * Reads what an orchestrator threw: the SDK puts its state as JSON behind a label in the error's message. The host has
 * sanitized that message by then; where this breaks the JSON no action is left of it.
 */
export function readThrown(thrown: unknown): EpisodeResponse {
  const message = sanitize(thrown instanceof Error ? thrown.message : String(thrown));
  const at = message.indexOf(stateLabel);
  const state = at < 0 ? undefined : parseJson(message.slice(at + stateLabel.length));
  return state === undefined ? { ...readState({}, true), error: message } : readState(state, true);
}

const stateLabel = "\n\n$OutOfProcData$:";

function readState(state: unknown, hasThrown: boolean): EpisodeResponse {
  const lists = fieldOf(state, "actions");
  const error = fieldOf(state, "error");
  return {
    actions: readActions(Array.isArray(lists) ? lists[0] : undefined),
    isDone: fieldOf(state, "isDone") === true,
    output: jsonText(fieldOf(state, "output")),
    error: typeof error === "string" && error !== "" ? error : undefined,
    customStatus: jsonText(fieldOf(state, "customStatus")) ?? undefined,
    hasThrown,
  };
}
