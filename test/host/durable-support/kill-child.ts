/**
 * Runs golden/app.cjs on a journal in a folder until somebody kills it. Arguments: folder, instance id. Starts the instance
 * unless the journal has it; writes a line when it is on the disk, a line per activity call, and its final status.
 */
import { systemClock } from "../../../src/local/durable/clock.ts";
import { createDurableEngine } from "../../../src/local/durable/engine.ts";
import { createFileJournal } from "../../../src/local/durable/file-journal.ts";
import { readDurableSettings } from "../../../src/local/durable/settings.ts";
import type { Worker } from "../../../src/local/functions-host/worker.ts";
import { startGoldenWorker } from "./engine-run.ts";

const [directory = "", instanceId = ""] = process.argv.slice(2);
const say = (line: string) => process.stdout.write(`${line}\n`);
const worker = await startGoldenWorker();
const invoke: Worker["invoke"] = (name, trigger, options) => {
  if (name === "echo") say("activity");
  return worker.invoke(name, trigger, options);
};
const engine = await createDurableEngine({
  worker: { functions: worker.functions, invoke },
  journal: createFileJournal({ directory, compactAfterBytes: 4_000, lazyMs: 1, warn: say }),
  clock: systemClock,
  settings: readDurableSettings({ maxConcurrentActivityFunctions: 3 }),
  log: (_level, message) => say(message),
});
if (!engine.getStatus(instanceId)) {
  await engine.start("chunks", { instanceId, input: { n: 4, m: 4 } });
  say("started");
}
say(`status ${JSON.stringify(await engine.waitFor(instanceId))}`);
await engine.close(1_000);
