/** A step that an episode has scheduled and that is to be done once (at least) by the host. */
export type ScheduledTask =
  | {
      readonly kind: "activity";
      readonly id: number;
      readonly name: string;
      /** Text of the trigger value; null: the activity is called without one. */
      readonly input: string | null;
    }
  | {
      readonly kind: "sub";
      readonly id: number;
      readonly name: string;
      readonly instanceId: string;
      readonly version: string | null;
      /** JSON text. */
      readonly input: string | null;
    }
  | { readonly kind: "timer"; readonly id: number; readonly fireAt: string };

/**
 * Text of an activity's trigger value. The SDK has already encoded strings once; booleans become .NET texts, and null
 * is no value at all (recorded on the genuine host: kinds).
 */
export function activityInput(input: unknown): string | null {
  if (input === undefined || input === null) return null;
  if (typeof input === "string") return input;
  if (typeof input === "boolean") return input ? "True" : "False";
  return JSON.stringify(input);
}

/** JSON text of a value that may be missing. */
export function jsonText(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
