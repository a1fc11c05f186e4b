import { setTimeout as delay } from "node:timers/promises";
import { QueueClient } from "@azure/storage-queue";
import { z } from "zod";
import type { RunningService } from "./processes.ts";
import { pushBlob, pushImage, type SeededDescriptor } from "./seed.ts";

/*
 * What comes in by other ways than HTTP: queue messages, push events, promotions. Each is measured once, with its own
 * counts beside the seconds: what is asked here is that nothing is lost or done twice, at a steady rate.
 */

export interface TriggerBench {
  readonly source: string;
  readonly target: string;
  readonly service: RunningService;
}

const kB = 1_000;
const repositories = 10;
const tagsPerRepository = 100;

/** 1,000 images of three layers of 100 kB in ten repositories; the first layer is the same everywhere. */
export async function seedTagged(source: string): Promise<SeededDescriptor> {
  const shared = await pushBlob(source, repositoryName(0), "tagged-shared", 100 * kB);
  for (let at = 0; at < repositories; at += 1) {
    const repository = repositoryName(at);
    await pushBlob(source, repository, "tagged-shared", 100 * kB);
    for (let tag = 0; tag < tagsPerRepository; tag += 1) {
      const own = [1, 2].map((n) => pushBlob(source, repository, `${repository}:${tag}-${n}`, 100 * kB));
      await pushImage(source, repository, `v${tag}`, [shared, ...(await Promise.all(own))]);
    }
  }
  return shared;
}

/** 1,000 messages at once; the rate, how often each was recorded and the shared layer sent, and the memory of both halves. */
export async function measureQueue({ source, target, service }: TriggerBench, shared: SeededDescriptor) {
  const queue = new QueueClient(service.storage, "imports");
  await queue.createIfNotExists();
  const images = taggedImages();
  const memory = sampleMemory(service);
  const begin = Date.now();
  for (let at = 0; at < images.length; at += 50) {
    const some = images.slice(at, at + 50);
    await Promise.all(
      some.map((image) =>
        queue.sendMessage(
          JSON.stringify({ v: 1, import: { source: `${source}/${image}`, target, labels: { image } } }),
        ),
      ),
    );
  }
  const imports = await untilEnded(service, "queue", images.length);
  const samples = memory.stop();
  const ends = imports.map(({ finishedAt }) => Date.parse(finishedAt)).sort((one, other) => one - other);
  const seconds = ((ends.at(-1) ?? begin) - begin) / 1_000;
  const half = ends[ends.length / 2 - 1] ?? begin;
  const [first, last] = [samples.filter(({ atMs }) => atMs <= half), samples.filter(({ atMs }) => atMs > half)];
  const sent = await timesSent(service, imports, shared.digest);
  return {
    seconds,
    importsPerSecond: images.length / seconds,
    recorded: imports.length,
    distinct: new Set(imports.map(({ labels }) => labels.image)).size,
    succeeded: imports.filter(({ state }) => state === "Succeeded").length,
    sharedLayerSentPerRepository: Math.max(...sent),
    firstHalfMB: peakOf(first),
    lastHalfMB: peakOf(last),
  };
}

/** Time from a push event to its accepted import, on an idle service; the answer comes when it is accepted. */
export async function measureEvents({ source, target, service }: TriggerBench) {
  const rule = { source: { registry: source, repositories: ["bench/tagged-*"] }, target: { registry: target } };
  await call(answers.none, service, "PUT", "/api/rules/bench", rule);
  const ms: number[] = [];
  for (const image of taggedImages().slice(0, 100)) {
    const [repository = "", tag = ""] = image.split(":");
    const head = await fetch(`http://${source}/v2/${repository}/manifests/${tag}`, { method: "HEAD", headers: accept });
    const event = pushEvent(source, repository, tag, head.headers.get("docker-content-digest") ?? "");
    const begin = performance.now();
    await call(answers.none, service, "POST", "/runtime/webhooks/eventgrid?functionName=onRegistryEvent", [event], {
      "aeg-event-type": "Notification",
    });
    ms.push(performance.now() - begin);
    while (await hasOpen(service)) await delay(20);
  }
  await untilEnded(service, "eventGrid", 100);
  ms.sort((one, other) => one - other);
  return { medianMs: ms[ms.length / 2] ?? 0, p95Ms: ms[Math.floor(ms.length * 0.95)] ?? 0 };
}

/** The 1,000 images again as one promotion, chosen by a glob. */
export async function measurePromotion({ source, target, service }: TriggerBench) {
  const begin = performance.now();
  const promotion = await startPromotion(service, source, target, ["bench/tagged-*"]);
  const ended = await untilPromotion(service, promotion.id, ({ state }) => /Succeeded|Failed|Cancelled/.test(state));
  const seconds = (performance.now() - begin) / 1_000;
  return { seconds, importsPerSecond: ended.counts.total / seconds, state: ended.state, counts: ended.counts };
}

const manyTags = 5_000;

/** One small image under 5,000 tags. */
export async function seedManyTags(source: string): Promise<void> {
  const repository = "bench/many-tags";
  const layer = await pushBlob(source, repository, "many-tags", 10 * kB);
  await pushImage(source, repository, "1.0.0", [layer]);
  const manifests = `http://${source}/v2/${repository}/manifests`;
  const manifest = await (await fetch(`${manifests}/1.0.0`, { headers: accept })).text();
  for (let at = 1; at < manyTags; at += 1) {
    const init = { method: "PUT", body: manifest, headers: { "content-type": accept.accept } };
    const { status } = await fetch(`${manifests}/1.${at}.0`, init);
    if (status !== 201) throw new Error(`tag 1.${at}.0 was answered ${status}`);
  }
}

/** From 5,000 tags to as many items. */
export async function measureExpansion({ source, target, service }: TriggerBench) {
  const beforeMB = await service.residentMB();
  const memory = sampleMemory(service);
  const begin = performance.now();
  const { id } = await startPromotion(service, source, target, ["bench/many-tags"], 1);
  const { counts } = await untilPromotion(service, id, ({ state }) => !/Accepted|Expanding/.test(state));
  const seconds = (performance.now() - begin) / 1_000;
  const peakMB = peakOf(memory.stop());
  const instance = `/runtime/webhooks/durabletask/instances/promotion-${id}-1?showHistory=true`;
  const { historyEvents } = await call(answers.history, service, "GET", instance);
  await call(answers.none, service, "POST", `/api/promotions/${id}/cancel`);
  await untilPromotion(service, id, ({ state }) => /Succeeded|Failed|Cancelled/.test(state));
  return { seconds, items: counts.total, historyEvents: historyEvents.length, beforeMB, peakMB };
}

async function startPromotion(
  service: RunningService,
  source: string,
  target: string,
  globs: readonly string[],
  maxConcurrent = 50,
): Promise<{ readonly id: string }> {
  const body = { source: { registry: source, repositories: globs }, target: { registry: target }, maxConcurrent };
  return await call(answers.started, service, "POST", "/api/promotions", body);
}

type Promotion = z.infer<typeof answers.promotion>;

async function untilPromotion(
  service: RunningService,
  id: string,
  is: (promotion: Promotion) => boolean,
): Promise<Promotion> {
  for (;;) {
    const promotion = await call(answers.promotion, service, "GET", `/api/promotions/${id}`);
    if (is(promotion)) return promotion;
    await delay(250);
  }
}

type EndedImport = z.infer<typeof answers.imports>["imports"][number];

const endStates: readonly string[] = ["Succeeded", "Skipped", "Failed", "Cancelled"];

/** All imports of a trigger once `count` of them have ended and none is left. */
async function untilEnded(service: RunningService, trigger: string, count: number): Promise<readonly EndedImport[]> {
  for (;;) {
    await delay(500);
    if (await hasOpen(service)) continue;
    const all = await listAll(service, trigger);
    if (all.filter(({ state }) => endStates.includes(state)).length >= count) return all;
  }
}

/** Asks for what is cheap to answer: a list of all would disturb what is measured. */
async function hasOpen(service: RunningService): Promise<boolean> {
  for (const state of ["Copying", "Resolving", "Accepted", "Publishing"]) {
    const { imports } = await call(answers.imports, service, "GET", `/api/imports?state=${state}&limit=1`);
    if (imports.length > 0) return true;
  }
  return false;
}

async function listAll(service: RunningService, trigger: string): Promise<readonly EndedImport[]> {
  const all: EndedImport[] = [];
  let token: string | undefined;
  do {
    const more = token === undefined ? "" : `&continuationToken=${encodeURIComponent(token)}`;
    const page = await call(answers.imports, service, "GET", `/api/imports?trigger=${trigger}&limit=200${more}`);
    all.push(...page.imports);
    token = page.continuationToken;
  } while (token !== undefined);
  return all;
}

/** How often a blob was sent, for each repository that was written to; a mount sends nothing. */
async function timesSent(service: RunningService, imports: readonly EndedImport[], digest: string) {
  const counts = new Map<string, number>();
  for (const { id, target } of imports) {
    const { parts } = await call(answers.parts, service, "GET", `/api/imports/${id}/parts?limit=100`);
    const repository = target?.tags[0]?.split(":")[0] ?? "";
    const part = parts.find((one) => one.digest === digest);
    if (part?.via === "copied") counts.set(repository, (counts.get(repository) ?? 0) + 1);
  }
  return [0, ...counts.values()];
}

const accept = { accept: "application/vnd.oci.image.manifest.v1+json" };

function pushEvent(registry: string, repository: string, tag: string, digest: string) {
  return {
    id: crypto.randomUUID(),
    topic: "/subscriptions/0/resourceGroups/bench/providers/Microsoft.ContainerRegistry/registries/bench",
    subject: `${repository}:${tag}`,
    eventType: "Microsoft.ContainerRegistry.ImagePushed",
    eventTime: new Date().toISOString(),
    dataVersion: "2.0",
    metadataVersion: "1",
    data: {
      id: crypto.randomUUID(),
      timestamp: new Date().toISOString(),
      action: "push",
      target: { mediaType: accept.accept, size: 1, digest, length: 1, repository, tag },
      request: { id: crypto.randomUUID(), host: registry, method: "PUT", useragent: "bench" },
    },
  };
}

function taggedImages(): readonly string[] {
  return Array.from({ length: repositories * tagsPerRepository }, (_, at) => {
    return `${repositoryName(at % repositories)}:v${Math.floor(at / repositories)}`;
  });
}

function repositoryName(at: number): string {
  return `bench/tagged-${at}`;
}

interface MemorySample {
  readonly atMs: number;
  readonly mb: number;
}

function sampleMemory(service: RunningService) {
  const samples: MemorySample[] = [];
  const timer = setInterval(async () => samples.push({ atMs: Date.now(), mb: await service.residentMB() }), 200);
  return {
    stop: () => {
      clearInterval(timer);
      return samples;
    },
  };
}

function peakOf(samples: readonly MemorySample[]): number {
  return Math.max(0, ...samples.map(({ mb }) => mb));
}

/** What an answer must have for the cases above. */
const answers = {
  none: z.unknown(),
  started: z.looseObject({ id: z.string() }),
  promotion: z.looseObject({ state: z.string(), counts: z.looseObject({ total: z.number() }) }),
  history: z.looseObject({ historyEvents: z.array(z.unknown()) }),
  parts: z.looseObject({ parts: z.array(z.looseObject({ digest: z.string(), via: z.string().optional() })) }),
  imports: z.looseObject({
    continuationToken: z.string().optional(),
    imports: z.array(
      z.looseObject({
        id: z.string(),
        state: z.string(),
        finishedAt: z.string().default(""),
        labels: z.record(z.string(), z.string()),
        target: z.looseObject({ tags: z.array(z.string()) }).optional(),
      }),
    ),
  }),
} as const;

async function call<T>(
  schema: z.ZodType<T>,
  { url }: RunningService,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
  return schema.parse(text === "" ? undefined : JSON.parse(text));
}
