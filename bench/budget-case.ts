import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type BudgetProxy, startBudgetProxy } from "./budget-proxy.ts";
import { type RunningService, startFreshRegistry, startService } from "./processes.ts";
import { pushBlob, pushImage } from "./seed.ts";

/*
 * 500 small images into a registry that lets 1,000 writes and 5,000 reads through in a minute: nothing may be refused,
 * and the budget shall be used.
 */

const imageCount = 500;
const readsPerWrite = 5;
const layerBytes = 1_000;

const repositoryName = (at: number) => `bench/budget-${String(at).padStart(3, "0")}`;

/** 500 images of three layers of 1 kB, all of them different. */
export async function seedBudget(source: string): Promise<void> {
  for (let at = 0; at < imageCount; at += 1) {
    const repository = repositoryName(at);
    const layers = [1, 2, 3].map((n) => pushBlob(source, repository, `${repository}-${n}`, layerBytes));
    await pushImage(source, repository, "1", await Promise.all(layers));
  }
}

export interface BudgetBench {
  readonly source: string;
  readonly work: string;
  readonly writesPerMinute: number;
}

/** Shares the images among so many services, each with its part of the budget. */
export async function measureBudget({ source, work, writesPerMinute }: BudgetBench, processes: number) {
  await using registry = await startFreshRegistry(join(work, "target"));
  const readsPerMinute = readsPerWrite * writesPerMinute;
  await using target = await startBudgetProxy(registry.host, { writesPerMinute, readsPerMinute });
  await using services = new AsyncDisposableStack();
  const running: RunningService[] = [];
  for (let number = 0; number < processes; number += 1) {
    const limits = { writesPerMinute, readsPerMinute };
    const settings = {
      LIMIT_SHARES: String(processes),
      REGISTRIES: JSON.stringify([{ host: target.host, auth: { kind: "anonymous" }, limits }]),
    };
    const directory = join(work, `service-${number}`);
    running.push(services.use(await startService(directory, [source, target.host], settings)));
  }
  const images = Array.from({ length: imageCount }, (_, at) => `${repositoryName(at)}:1`);
  await Promise.all(
    images.map((image, at) =>
      importToEnd(running[at % processes], { source: `${source}/${image}`, target: target.host }),
    ),
  );
  return { processes, writesPerMinute, ...judge(target) };
}

/** From the first write to the last one: what was let through, against what might have been. */
function judge({ writesAtMs, refused }: BudgetProxy) {
  const seconds = ((writesAtMs.at(-1) ?? 0) - (writesAtMs[0] ?? 0)) / 1_000;
  const perMinute = (writesAtMs.length / seconds) * 60;
  return {
    seconds: Math.round(seconds),
    writes: writesAtMs.length,
    perMinute: Math.round(perMinute),
    refused: refused(),
  };
}

const recordSchema = z.looseObject({ id: z.string(), state: z.string() });

async function importToEnd(
  service: RunningService | undefined,
  body: { readonly source: string; readonly target: string },
): Promise<void> {
  if (service === undefined) throw new Error("no service");
  const headers = { "content-type": "application/json" };
  const begun = await fetch(`${service.url}/api/imports`, { method: "POST", headers, body: JSON.stringify(body) });
  let record = recordSchema.parse(await begun.json());
  while (!/^(Succeeded|Failed|Cancelled)$/.test(record.state)) {
    await delay(2_000);
    record = recordSchema.parse(await (await fetch(`${service.url}/api/imports/${record.id}`)).json());
  }
  if (record.state !== "Succeeded") throw new Error(`import of ${body.source}: ${JSON.stringify(record)}`);
}
