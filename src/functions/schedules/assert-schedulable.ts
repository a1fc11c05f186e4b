import type { RequestSettings } from "../../domain/import-request.ts";
import { assertUsable, compileRule } from "../../domain/rule.ts";
import { assertNoSelfFeed } from "../../domain/rule-chains.ts";
import type { Schedule } from "../../domain/schedule-schema.ts";

export interface AssertSchedulableDeps {
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertHosts: (source: string, target: string) => void;
}

/**
 * Throws what is wrong with a schedule beyond its shape. What it may import is what a rule of the same words would: where
 * what it makes is selected again, it copies tags onto themselves or finds more at each run.
 */
export function createAssertSchedulable({ settings, assertHosts }: AssertSchedulableDeps) {
  return (schedule: Schedule): void => {
    const { cron: _cron, timeZone: _timeZone, maxConcurrent: _maxConcurrent, source, ...rest } = schedule;
    const { newest: _newest, digest: _digest, ...tags } = source.tags;
    const rule = compileRule({ ...rest, source: { ...source, tags } }, settings);
    assertHosts(rule.sourceRegistry, rule.targetRegistry);
    assertUsable(rule);
    assertNoSelfFeed(rule);
  };
}
