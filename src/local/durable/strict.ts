import type { Action, StepAction } from "./actions.ts";
import { activityInput, jsonText, type ScheduledTask } from "./tasks.ts";

/** Says what is wrong with calling a step, or undefined. */
export type StepCheck = (action: StepAction) => string | undefined;

/** What a strict host adds to the output of an instance that it fails. */
export const strictPrefix = "embedded host (strict): ";

/**
 * A step must be registered, else the genuine host swallows an exception and the instance hangs in Running; and must have
 * no retryTimeoutInMilliseconds, which hangs as soon as it passes (azure-functions-durable-js#629).
 */
export function createStepCheck(
  isRegistered: (kind: StepAction["kind"], name: string) => boolean,
  isStrict: boolean,
): StepCheck {
  return ({ kind, name, retry }) => {
    if (!isRegistered(kind, name)) {
      const what = kind === "activity" ? "activity" : "orchestrator";
      return `${what} '${name}' is not registered: the genuine host would hang here; check the name and that the file that registers it is loaded`;
    }
    if (isStrict && retry?.retryTimeoutInMilliseconds !== undefined) {
      return `'${name}' is called with retryTimeoutInMilliseconds: the genuine host hangs once it has passed; bound the number of attempts instead`;
    }
    return undefined;
  };
}

/**
 * A task that is still open must not be yielded in a second `Task.any` or `Task.all`: the SDK sends it again, the host
 * schedules it again, and results come back under wrong names (azure-functions-durable-js#574). Tasks have no
 * identity on the wire, so that equal content counts as the same task.
 */
export function reyieldFault(action: Action, openTasks: Iterable<ScheduledTask>): string | undefined {
  if (action.kind !== "all" && action.kind !== "any") return undefined;
  const open = new Set<string>();
  for (const task of openTasks) open.add(taskKey(task));
  if (open.size === 0) return undefined;
  const again = leaves(action).find((leaf) => open.has(leafKey(leaf)));
  if (!again) return undefined;
  const what = again.kind === "timer" ? `timer for ${again.fireAt}` : "name" in again ? `'${again.name}'` : again.kind;
  return `${what} is still running and is yielded again in a second Task.${action.kind}: the genuine host would run it twice and mix up results; race each task once`;
}

function leaves(action: Action): Action[] {
  return action.kind === "all" || action.kind === "any" ? action.children.flatMap(leaves) : [action];
}

function leafKey(action: Action): string {
  switch (action.kind) {
    case "activity":
      return `activity ${action.name} ${activityInput(action.input)}`;
    case "sub":
      return `sub ${action.name} ${jsonText(action.input)}`;
    case "timer":
      return `timer ${action.fireAt}`;
    default:
      return "";
  }
}

function taskKey(task: ScheduledTask): string {
  return task.kind === "timer" ? `timer ${task.fireAt}` : `${task.kind} ${task.name} ${task.input}`;
}
