import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { measureBudget, seedBudget } from "./budget-case.ts";
import { measurePage } from "./page-cases.ts";
import { freePort, type RunningService, startDockerRegistry, startFreshRegistry, startService } from "./processes.ts";
import { pushBlob, pushImage, pushIndex, type SeededDescriptor } from "./seed.ts";
import { startThrottleProxy } from "./throttle-proxy.ts";
import { type Copier, type CopyJob, drayage, floor, peer, readOnce } from "./tools.ts";
import {
  measureEvents,
  measureExpansion,
  measurePromotion,
  measureQueue,
  seedManyTags,
  seedTagged,
  type TriggerBench,
} from "./trigger-cases.ts";

const MiB = 1024 * 1024;

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    cases: { type: "string", default: "a,b,c,d,e,slow,flat,queue,event,promotion,expand" },
    directory: { type: "string", default: process.env.BENCH_DIR ?? "bench/work" },
    /** Writes a minute of case budget. */
    budget: { type: "string", default: "1000" },
    out: { type: "string", default: "bench/results.json" },
  },
});
const runs = Number(options.runs);
const wanted = new Set(options.cases.split(","));
const work = resolve(options.directory);
mkdirSync(work, { recursive: true });

/** The layer that all images of the trigger cases have. */
let shared: SeededDescriptor | undefined;

/** What was counted and measured of the ways in other than HTTP. */
const triggers: Record<string, object> = {};

interface CaseResult {
  readonly seconds: Readonly<Record<string, number>>;
  readonly ratioToSkopeo?: number;
  readonly ratioToFloor?: number;
  readonly peakMB: number;
  readonly transactions: number;
}

const peers = (["skopeo", "crane", "regctl"] as const).filter(isOnPath);
const results: Record<string, CaseResult> = {};

await using source = await startDockerRegistry(join(work, "source"));
await seedLayers("bench/warm", 3, MiB);
const layer = wanted.has("a") ? await seedOneLayer("bench/large", 2048 * MiB) : undefined;
if (wanted.has("flat")) await seedOneLayer("bench/layer200", 200 * MiB);
if (wanted.has("slow")) await seedOneLayer("bench/layer512", 512 * MiB);
if (wanted.has("b") || wanted.has("e")) await seedPlatforms();
if (wanted.has("c")) await seedLayers("bench/small", 3, MiB);
if (wanted.has("d")) await seedMany();

if (layer !== undefined) {
  const withFloor = { floor: ({ target }: CopyJob) => floor(source.host, target, "bench/large", layer.digest) };
  await measure("a", ["bench/large:1"], { extra: withFloor });
}
if (wanted.has("flat")) await measure("flat200", ["bench/layer200:1"], { only: ["drayage"] });
if (wanted.has("b")) await measure("b", ["bench/platforms:1"], {});
if (wanted.has("c")) await measure("c", ["bench/small:1"], {});
if (wanted.has("d")) await measure("d", manyImages(), {});
if (wanted.has("e")) await measure("e", ["bench/platforms:1"], { again: true });
if (wanted.has("slow")) await measureSlowSource();
await measureTriggers();
if (wanted.has("budget")) await measureBudgetCase();
report();
await source[Symbol.asyncDispose]();
await rm(work, { recursive: true, force: true });

interface MeasureOptions {
  readonly extra?: Readonly<Record<string, Copier>>;
  readonly only?: readonly string[];
  /** Measures the second copy into the same target: everything is there. */
  readonly again?: boolean;
}

/**
 * Runs every tool in turn, `runs` times, each into a fresh registry. One service serves all runs of a case: it has
 * imported a small image before the first one, as a service that runs has.
 */
async function measure(name: string, images: readonly string[], { extra = {}, only, again = false }: MeasureOptions) {
  await using bench = await startBench(source.host);
  const copiers = { drayage: drayage(bench.service.url, again ? "skipIfSame" : "fail"), ...allPeers(), ...extra };
  const tools = Object.entries(copiers).filter(([tool]) => only?.includes(tool) ?? true);
  const seconds: Record<string, number[]> = {};
  let transactions = 0;
  for (let run = 0; run < runs; run += 1) {
    for (const [tool, copy] of tools) {
      await using target = await startFreshRegistry(join(work, "target"), bench.targetPorts[run]);
      const job = { source: source.host, target: target.host, images };
      if (again) await copy(job);
      const before = await bench.service.transactions();
      const took = await copy(job);
      transactions = Math.max(transactions, (await bench.service.transactions()) - before);
      seconds[tool] = [...(seconds[tool] ?? []), took];
      console.log(`${name} run ${run + 1} ${tool.padEnd(8)} ${took.toFixed(3)} s`);
    }
  }
  record(name, seconds, await bench.service.peakMB(), transactions / images.length);
}

function allPeers(): Readonly<Record<string, Copier>> {
  return Object.fromEntries(peers.map((name) => [name, peer(name)]));
}

interface Bench extends AsyncDisposable {
  readonly service: RunningService;
  /** One per run: a registry that comes back empty under its old name would not be a fresh one. */
  readonly targetPorts: readonly number[];
}

/** A service that may write to all targets of a case, warmed up. */
async function startBench(from: string): Promise<Bench> {
  const targetPorts: number[] = [];
  for (let run = 0; run < runs; run += 1) targetPorts.push(await freePort());
  await using warm = await startFreshRegistry(join(work, "warm"));
  const hosts = [from, source.host, warm.host, ...targetPorts.map((port) => `127.0.0.1:${port}`)];
  const service = await startService(work, hosts);
  await drayage(service.url)({ source: source.host, target: warm.host, images: ["bench/warm:1"] });
  return { service, targetPorts, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

async function measureSlowSource() {
  await using proxy = await startThrottleProxy(source.host, 20_000_000);
  await using bench = await startBench(proxy.host);
  const digest = await digestOfOnlyLayer("bench/layer512");
  const seconds: number[] = [];
  let transactions = 0;
  for (let run = 0; run < runs; run += 1) {
    await using target = await startFreshRegistry(join(work, "target"), bench.targetPorts[run]);
    const before = await bench.service.transactions();
    const job = { source: proxy.host, target: target.host, images: ["bench/layer512:1"] };
    seconds.push(await drayage(bench.service.url)(job));
    transactions = Math.max(transactions, (await bench.service.transactions()) - before);
    console.log(`slow run ${run + 1} drayage ${seconds.at(-1)?.toFixed(3)} s`);
  }
  const oneConnection = [await readOnce(proxy.host, "bench/layer512", digest)];
  console.log(`slow one connection ${oneConnection[0]?.toFixed(3)} s`);
  record("slow", { drayage: seconds, oneConnection }, await bench.service.peakMB(), transactions);
}

/** Once each, every case with a service and a target of its own. */
async function measureTriggers() {
  const cases = {
    queue: measureQueueCase,
    event: measureEvents,
    promotion: measurePromotion,
    expand: measureExpansion,
    page: measurePage,
  };
  const chosen = Object.entries(cases).filter(([name]) => wanted.has(name));
  if (chosen.some(([name]) => name !== "expand" && name !== "page")) shared = await seedTagged(source.host);
  if (wanted.has("expand")) await seedManyTags(source.host);
  for (const [name, measureCase] of chosen) {
    await using bench = await startBench(source.host);
    await using target = await startFreshRegistry(join(work, "target"), bench.targetPorts[0]);
    triggers[name] = await measureCase({ source: source.host, target: target.host, service: bench.service });
    console.log(name, triggers[name]);
  }
}

/** By one process, and by three that share the budget. */
async function measureBudgetCase() {
  await seedBudget(source.host);
  for (const processes of [1, 3]) {
    const bench = { source: source.host, work, writesPerMinute: Number(options.budget) };
    triggers[`budget${processes}`] = await measureBudget(bench, processes);
    console.log(`budget${processes}`, triggers[`budget${processes}`]);
  }
}

async function measureQueueCase(bench: TriggerBench) {
  if (shared === undefined) throw new Error("nothing is seeded");
  return await measureQueue(bench, shared);
}

function record(name: string, seconds: Readonly<Record<string, number[]>>, peakMB: number, transactions: number) {
  const medians = Object.fromEntries(Object.entries(seconds).map(([tool, values]) => [tool, round(median(values))]));
  const ratio = (other: string) => {
    const [ours, theirs] = [medians.drayage, medians[other]];
    return ours === undefined || theirs === undefined ? undefined : round(ours / theirs);
  };
  const ratioToSkopeo = ratio("skopeo");
  const ratioToFloor = ratio("floor");
  results[name] = {
    seconds: medians,
    ...(ratioToSkopeo === undefined ? {} : { ratioToSkopeo }),
    ...(ratioToFloor === undefined ? {} : { ratioToFloor }),
    peakMB: Math.round(peakMB),
    transactions: round(transactions),
  };
}

function report() {
  console.table(Object.entries(results).map(([name, { seconds, ...rest }]) => ({ case: name, ...seconds, ...rest })));
  const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  console.log(triggers);
  const date = new Date().toISOString().slice(0, 10);
  const document = { machine, date, runs, cases: results, triggers };
  writeFileSync(options.out, `${JSON.stringify(document, null, 2)}\n`);
  console.log(`written to ${options.out}`);
}

async function seedOneLayer(repository: string, sizeBytes: number): Promise<SeededDescriptor> {
  const descriptor = await pushBlob(source.host, repository, repository, sizeBytes);
  await pushImage(source.host, repository, "1", [descriptor]);
  return descriptor;
}

async function seedLayers(repository: string, count: number, sizeBytes: number) {
  const layers = [];
  for (let at = 0; at < count; at += 1)
    layers.push(await pushBlob(source.host, repository, `${repository}${at}`, sizeBytes));
  await pushImage(source.host, repository, "1", layers);
}

/** Five platforms of six layers each, 385 MB in all. */
async function seedPlatforms() {
  const repository = "bench/platforms";
  const children = [];
  for (const architecture of ["amd64", "arm64", "arm", "ppc64le", "s390x"]) {
    const layers = [];
    for (const [at, sizeMB] of [40, 20, 10, 4, 2, 1].entries()) {
      layers.push(await pushBlob(source.host, repository, `${architecture}${at}`, sizeMB * 1_000_000));
    }
    const image = await pushImage(source.host, repository, undefined, layers, architecture);
    children.push({ ...image, platform: { os: "linux", architecture } });
  }
  await pushIndex(source.host, repository, "1", children);
}

function manyImages(): string[] {
  return Array.from({ length: 300 }, (_, at) => `bench/many-${String(at).padStart(3, "0")}:1`);
}

/** 300 repositories with an image of three layers of 1 MB each, the first of which is the same everywhere. */
async function seedMany() {
  for (const image of manyImages()) {
    const repository = image.replace(/:1$/, "");
    const seeds = ["shared", `${repository}1`, `${repository}2`];
    const layers = [];
    for (const seed of seeds) layers.push(await pushBlob(source.host, repository, seed, 1_000_000));
    await pushImage(source.host, repository, "1", layers);
  }
}

async function digestOfOnlyLayer(repository: string): Promise<string> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const response = await fetch(`http://${source.host}/v2/${repository}/manifests/1`, { headers: { accept } });
  const digest = /"layers":\[\{[^}]*"digest":"([^"]+)"/.exec(await response.text())?.[1];
  if (digest === undefined) throw new Error(`${repository} has no layer`);
  return digest;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

function isOnPath(command: string): boolean {
  try {
    execFileSync("which", [command], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
