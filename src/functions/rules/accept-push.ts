import type { ImportId } from "../../domain/import-id.ts";
import type { Trigger } from "../../domain/import-record.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { PushEvent, RegistryEvent } from "../../domain/registry-event.ts";
import { type CompiledRule, ruleImportId } from "../../domain/rule.ts";
import { ImportError } from "../../errors.ts";
import type { DurablePort } from "../durable-port.ts";
import type { Log } from "../log.ts";
import type { StartImport } from "../start-import.ts";
import type { ActiveRules } from "./active-rules.ts";

export interface AcceptPushDeps {
  readonly activeRules: Pick<ActiveRules, "read">;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly startImport: Pick<StartImport, "accept">;
  readonly log: Log;
}

/** An import that an event has caused. */
export interface CausedImport {
  readonly rule: string;
  readonly importId: ImportId;
}

/**
 * Starts what the rules say about an event. What cannot start anything is left with a line in the log; only what a
 * repeat may cure is thrown, after every rule has had its turn.
 */
export type AcceptPush = (
  event: RegistryEvent,
  by: PushTeller,
  durable: DurablePort,
) => Promise<readonly CausedImport[]>;
/** Who told of the push. */
export type PushTeller = Extract<Trigger["kind"], "eventGrid" | "webhook">;

export function createAcceptPush(deps: AcceptPushDeps): AcceptPush {
  const { activeRules, log } = deps;
  return async (told, by, durable) => {
    if (told.kind === "ignored") {
      log("event-ignored", { reason: told.reason });
      return [];
    }
    const { event } = told;
    const rules = (await activeRules.read()).filter((rule) => rule.mismatch(event) === undefined);
    if (rules.length === 0) log("event-ignored", { ...fieldsOf(event), reason: "no rule matches" });
    const imports: CausedImport[] = [];
    const faults: unknown[] = [];
    for (const rule of rules) {
      try {
        imports.push({ rule: rule.rule.name, importId: await start(deps, { rule, event, by }, durable) });
      } catch (thrown) {
        if (isLasting(thrown))
          log("event-refused", { ...fieldsOf(event), rule: rule.rule.name, error: thrown.message });
        else faults.push(thrown);
      }
    }
    if (faults.length > 0) throw faults[0];
    return imports;
  };
}

async function start(
  { assertAllowed, startImport, log }: AcceptPushDeps,
  { rule, event, by }: { readonly rule: CompiledRule; readonly event: PushEvent; readonly by: PushTeller },
  durable: DurablePort,
): Promise<ImportId> {
  const request = rule.toImport(event);
  assertAllowed(request.spec);
  const id = ruleImportId(rule, event);
  const trigger = { kind: by, ref: rule.rule.name };
  const { isNew } = await startImport.accept({ id, trigger, request, causedAt: event.occurredAt }, durable);
  log("event-accepted", { ...fieldsOf(event), rule: rule.rule.name, importId: id, isNew });
  return id;
}

/** The same event would meet the same end: the sender need not try again. */
function isLasting(thrown: unknown): thrown is ImportError {
  return thrown instanceof ImportError && !thrown.retryable && thrown.code !== "STORAGE_UNAVAILABLE";
}

function fieldsOf({ eventId, registry, repository, tag, digest }: PushEvent) {
  return { eventId: eventId.slice(0, 100), registry, repository, tag, digest };
}
