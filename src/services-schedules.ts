import { type AllowSettings, assertAllowedSource, assertAllowedTarget } from "./domain/allow-list.ts";
import type { RequestSettings } from "./domain/import-request.ts";
import type { Log } from "./functions/log.ts";
import type { OpenRepositories } from "./functions/open-repositories.ts";
import { createExpandPage } from "./functions/promotions/expand-selection.ts";
import { createAssertSchedulable } from "./functions/schedules/assert-schedulable.ts";
import { createOnlyChanged } from "./functions/schedules/only-changed.ts";
import { createRememberImported } from "./functions/schedules/remember-imported.ts";
import { createRunSchedules } from "./functions/schedules/run-schedules.ts";
import { createStartRun, type StartRunDeps } from "./functions/schedules/start-run.ts";
import { createScheduleHandlers, type ScheduleHandlersDeps } from "./functions/triggers/schedules.ts";
import type { Promotions } from "./store/promotions.ts";
import { createScheduleTags } from "./store/schedule-tags.ts";
import { createSchedules } from "./store/schedules.ts";
import type { TableAccess } from "./store/storage-client.ts";

export interface SelectionServicesDeps {
  readonly access: TableAccess;
  readonly repositories: Pick<OpenRepositories, "sourceOf">;
  readonly requestSettings: RequestSettings;
  readonly allow: AllowSettings;
  readonly now: () => Date;
}

/** What promotions ask about selections, and what is to be told of each import's end. */
export function createSelectionServices({ access, repositories, requestSettings, allow, now }: SelectionServicesDeps) {
  const scheduleTags = createScheduleTags(access);
  const { sourceOf } = repositories;
  const names = requestSettings;
  const assertAllowed = (host: string) => assertAllowedSource(host, allow);
  return {
    scheduleTags,
    expandPage: createExpandPage({ sourceOf, names, assertAllowedSource: assertAllowed, now }),
    onlyChanged: createOnlyChanged({ sourceOf, scheduleTags, names }),
    rememberImported: createRememberImported({ schedules: createSchedules(access), scheduleTags }),
  };
}

export interface ScheduleServicesDeps
  extends Pick<SelectionServicesDeps, "access" | "requestSettings" | "allow" | "now">,
    Pick<StartRunDeps, "startPromotion">,
    Pick<ScheduleHandlersDeps, "viewPromotion"> {
  readonly scheduleTags: ReturnType<typeof createScheduleTags>;
  readonly promotions: Pick<Promotions, "read">;
  readonly log: Log;
}

/** Schedules: their routes, and what runs them each minute. */
export function createScheduleServices(deps: ScheduleServicesDeps) {
  const { access, allow, promotions, now, log } = deps;
  const settings = { ...deps.requestSettings, defaultConflict: "overwrite" } as const;
  const schedules = createSchedules(access);
  const promotionState: StartRunDeps["promotionState"] = async (id) => (await promotions.read(id))?.record.state;
  const startRun = createStartRun({ ...deps, schedules, promotionState });
  const assertSchedulable = createAssertSchedulable({
    settings,
    assertHosts: (source, target) => {
      assertAllowedSource(source, allow);
      assertAllowedTarget(target, allow);
    },
  });
  return {
    ...createScheduleHandlers({ ...deps, schedules, startRun, promotionState, assertSchedulable }),
    runSchedules: createRunSchedules({ schedules, startRun, log, now }),
  };
}
