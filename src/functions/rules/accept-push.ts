import type { ImportId } from "../../domain/import-id.ts";
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
export type AcceptPush = (event: RegistryEvent, durable: DurablePort) => Promise<readonly CausedImport[]>;

export function createAcceptPush(deps: AcceptPushDeps): AcceptPush {
  const { activeRules, log } = deps;
  return async (told, durable) => {
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
        imports.push({ rule: rule.rule.name, importId: await start(deps, rule, event, durable) });
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
  rule: CompiledRule,
  event: PushEvent,
  durable: DurablePort,
): Promise<ImportId> {
  const request = rule.toImport(event);
  assertAllowed(request.spec);
  const id = ruleImportId(rule, event);
  const trigger = { kind: "eventGrid", ref: rule.rule.name } as const;
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
