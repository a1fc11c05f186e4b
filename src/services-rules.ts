import { type AllowSettings, assertAllowedSource, assertAllowedTarget } from "./domain/allow-list.ts";
import type { HookSecrets } from "./domain/hook-secrets.ts";
import type { RequestSettings } from "./domain/import-request.ts";
import type { ImportSpec } from "./domain/import-spec.ts";
import type { Log } from "./functions/log.ts";
import { createAcceptPush } from "./functions/rules/accept-push.ts";
import { createActiveRules } from "./functions/rules/active-rules.ts";
import type { StartImport } from "./functions/start-import.ts";
import { createOnRegistryEvent } from "./functions/triggers/on-registry-event.ts";
import { createPostHook } from "./functions/triggers/post-hook.ts";
import { createRuleHandlers } from "./functions/triggers/rules.ts";
import { createTestRule } from "./functions/triggers/test-rule.ts";
import { createRules } from "./store/rules.ts";
import type { TableAccess } from "./store/storage-client.ts";

export interface RuleServicesDeps {
  readonly access: TableAccess;
  /** Of requests over HTTP: rules have another default for `conflict`. */
  readonly requestSettings: RequestSettings;
  readonly allow: AllowSettings;
  readonly hookSecrets: HookSecrets;
  readonly startImport: Pick<StartImport, "accept">;
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly now: () => Date;
  readonly log: Log;
}

/** Rules, and what tells of pushes: Event Grid and webhooks. */
export function createRuleServices(deps: RuleServicesDeps) {
  const { access, allow, hookSecrets, startImport, assertAllowed, now, log } = deps;
  const settings = { ...deps.requestSettings, defaultConflict: "overwrite" } as const;
  const rules = createRules(access);
  const activeRules = createActiveRules({ rules, settings, now, log });
  const acceptPush = createAcceptPush({ activeRules, assertAllowed, startImport, log });
  const assertHosts = (source: string, target: string) => {
    assertAllowedSource(source, allow);
    assertAllowedTarget(target, allow);
  };
  return {
    handlers: {
      ...createRuleHandlers({ rules, settings, assertHosts, activeRules }),
      testRule: createTestRule({ rules, settings, assertAllowed, assertHosts }),
    },
    durableHandlers: { postHook: createPostHook({ secrets: hookSecrets, acceptPush, log }) },
    onRegistryEvent: createOnRegistryEvent({ names: settings, acceptPush }),
  };
}
