import type { Command } from "commander";
import { scheduleSchema } from "../../domain/schedule-schema.ts";
import { followPromotion } from "../follow-promotion.ts";
import { formatSchedules } from "../format-resources.ts";
import { parseCount } from "../option-parsers.ts";
import { createPromotionsClient } from "../promotions-client.ts";
import type { BodyFlags } from "../selection-flags.ts";
import { addPromotionOutputs, addWaitOptions, type CommandDeps, openService, type WaitFlags } from "./command-deps.ts";
import { addResourceCommands } from "./named-resource.ts";

/** `drayage schedules …`: what is looked at again and again. */
export function addSchedulesCommand(program: Command, deps: CommandDeps): void {
  const group = program.command("schedules").description("selections that are looked at at set times");
  addResourceCommands<ScheduleFlags>(group, deps, {
    kind: "schedules",
    noun: "schedule",
    tags: "selection",
    schema: scheduleSchema,
    format: formatSchedules,
    addOptions: (command) => {
      command
        .option("--cron <expression>", "when: minute hour day-of-month month day-of-week, e.g. '0 3 * * *'")
        .option("--time-zone <name>", "of the expression, e.g. Europe/Berlin (default: UTC)")
        .option("--max-concurrent <count>", "so many imports of it at once (default: 50)", parseCount);
    },
    toOwn: ({ cron, timeZone, maxConcurrent }) => ({ cron, timeZone, maxConcurrent }),
    setExamples,
  });
  addRun(group, deps);
}

interface RunFlags extends WaitFlags {
  readonly json?: true;
  readonly junit?: string;
}

function addRun(group: Command, { io, finish }: CommandDeps): void {
  const run = group
    .command("run")
    .description("run a schedule now, whatever its time, and follow the promotion that this is")
    .argument("<name>", "name of the schedule");
  addWaitOptions(run, "promotion");
  addPromotionOutputs(run).action(async (name: string, flags: RunFlags, self: Command) => {
    const client = createPromotionsClient(openService(self, io));
    const start = async () => client.get(await client.runSchedule(name, io.interrupted), undefined, io.interrupted);
    finish(await followPromotion({ client, io, ...flags }, start));
  });
}

interface ScheduleFlags extends BodyFlags {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly maxConcurrent?: number;
}

const setExamples = `
Examples:
  drayage schedules set --name alpine --cron '0 3 * * *' --from docker.io --repository library/alpine --semver '>=3.18'
  drayage schedules set -f schedule.yaml`;
