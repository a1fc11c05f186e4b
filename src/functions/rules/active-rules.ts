import type { RequestSettings } from "../../domain/import-request.ts";
import { type CompiledRule, compileRule } from "../../domain/rule.ts";
import type { Rules } from "../../store/rules.ts";
import type { Log } from "../log.ts";

export interface ActiveRulesDeps {
  readonly rules: Pick<Rules, "list">;
  readonly settings: RequestSettings;
  readonly now: () => Date;
  readonly log: Log;
}

/** The rules that events are held against. */
export interface ActiveRules {
  /** Of the last few seconds. */
  readonly read: () => Promise<readonly CompiledRule[]>;
  /** Makes the next read ask the table: a rule was changed here. */
  readonly forget: () => void;
}

const keptMs = 5_000; // as long may another instance go by a rule that has changed

/** One query of the table for all events of some seconds, and one for all that come at once. */
export function createActiveRules({ rules, settings, now, log }: ActiveRulesDeps): ActiveRules {
  let kept: { readonly reading: Promise<readonly CompiledRule[]>; readonly until: number } | undefined;
  const load = async (): Promise<readonly CompiledRule[]> =>
    (await rules.list()).flatMap(({ rule }) => {
      if (!rule.enabled) return [];
      try {
        return [compileRule(rule, settings)];
      } catch (thrown) {
        log("rule-unusable", { rule: rule.name, error: String(thrown) }); // the settings have changed under it
        return [];
      }
    });
  return {
    read: () => {
      if (kept !== undefined && now().getTime() < kept.until) return kept.reading;
      const reading = load();
      const mine = { reading, until: now().getTime() + keptMs };
      kept = mine;
      reading.catch(() => {
        if (kept === mine) kept = undefined; // whoever asks next tries again
      });
      return reading;
    },
    forget: () => {
      kept = undefined;
    },
  };
}
