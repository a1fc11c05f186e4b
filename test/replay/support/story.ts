import { z } from "zod";
import { type Action, lastState, type Recording } from "./history.ts";

const kinds = { activity: 1, subOrchestrator: 2, continueAsNew: 4, timer: 5, event: 6, any: 11, all: 12 } as const;

/** What an import did, in the order of its calls: `2 × copyBlobs` at once, `timer | cancel` for a wait. */
export function storyOf({ generations }: Recording): readonly string[] {
  return generations.flatMap((generation) => lastState(generation).actions[0].map(tell));
}

/** Every action of a recording, those within `Task.all` and `Task.any` too. */
export function actionsOf({ generations }: Recording): readonly Action[] {
  return generations.flatMap((generation) =>
    lastState(generation).actions[0].flatMap((action) => [action, ...(action.compoundActions ?? [])]),
  );
}

function tell(action: Action): string {
  if (action.actionType === kinds.any) return (action.compoundActions ?? []).map(tell).join(" | ");
  if (action.actionType !== kinds.all) return tellOne(action);
  const texts = (action.compoundActions ?? []).map(tell);
  const counts = [...new Set(texts)].map((text) => [text, texts.filter((one) => one === text).length] as const);
  return counts.map(([text, count]) => (count === 1 ? text : `${count} × ${text}`)).join(" + ");
}

const endSchema = z.object({ end: z.object({ kind: z.string(), error: z.object({ code: z.string() }).optional() }) });
const roundSchema = z.looseObject({ round: z.int().min(1) });

function tellOne(action: Action): string {
  switch (action.actionType) {
    case kinds.timer:
      return action.isCanceled ? "timer (cancelled)" : "timer";
    case kinds.event:
      return action.externalEventName ?? "event";
    case kinds.continueAsNew:
      return "continueAsNew";
    case kinds.activity:
    case kinds.subOrchestrator:
      return `${action.functionName}${tellInput(action.input)}`;
    default:
      return `action ${action.actionType}`;
  }
}

/** The round where it is a later one; how an import ends. */
function tellInput(input: unknown): string {
  const end = endSchema.safeParse(input);
  if (end.success) {
    const { kind, error } = end.data.end;
    return `(${kind}${error === undefined ? "" : ` ${error.code}`})`;
  }
  const round = roundSchema.safeParse(input);
  return round.success ? `[${round.data.round}]` : "";
}
