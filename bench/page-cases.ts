import { chromium } from "playwright-core";
import { digestOf } from "../src/digest.ts";
import { createImportId } from "../src/domain/import-id.ts";
import type { Part } from "../src/domain/import-plan.ts";
import { type ImportRecord, importRecordSchema } from "../src/domain/import-record.ts";
import { createImports } from "../src/store/imports.ts";
import { createParts } from "../src/store/parts.ts";
import { createTableAccess } from "../src/store/storage-client.ts";
import type { TriggerBench } from "./trigger-cases.ts";

/*
 * What the dashboard asks for, with 10,000 imports stored: server time of its requests, and how soon a browser shows them.
 */

const storedImports = 10_000;
const secondsBetween = 30;
const rounds = 20;
const visits = 5;
const writesAtOnce = 32;

/** Medians in ms: of lists and filters that find much, little and nothing, of the overview, and of the first paint. */
export async function measurePage({ service }: TriggerBench) {
  await storeImports(service.storage);
  const paths = {
    list: "/api/imports?limit=50&progress=now",
    filteredMuch: "/api/imports?limit=50&progress=now&state=Succeeded",
    filteredLittle: "/api/imports?limit=50&progress=now&source=rare.example",
    filteredRepository: "/api/imports?limit=50&progress=now&repository=rare/app",
    filteredEnd: `/api/imports?limit=50&progress=now&state=Failed&endedSince=${new Date(Date.now() - 3_600_000).toISOString()}`,
    filteredLabel: "/api/imports?limit=50&progress=now&label=team%3Drare",
    filteredNothing: "/api/imports?limit=50&progress=now&trigger=webhook",
    overviewAgain: "/api/overview?window=week",
  };
  const medians: Record<string, number> = {};
  for (const window of ["hour", "day"])
    medians[`overviewFirst:${window}`] = await timeRequest(`${service.url}/api/overview?window=${window}`);
  for (const [name, path] of Object.entries(paths)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await timeRequest(`${service.url}${path}`));
    medians[name] = medianOf(times);
  }
  const paint = await measurePaint(service.url);
  return { storedImports, ms: medians, page: paint, layers: await measureLayers(service) };
}

async function storeImports(connectionString: string): Promise<void> {
  const access = createTableAccess({ storage: { connectionString }, tablePrefix: "" });
  const imports = createImports(access);
  const now = Date.now();
  for (let start = 0; start < storedImports; start += writesAtOnce) {
    const some = Array.from({ length: writesAtOnce }, (_, at) => recordAt(start + at, now));
    await Promise.all(some.map((record) => imports.insert(record)));
  }
  access.close();
}

function recordAt(at: number, now: number): ImportRecord {
  const createdAt = new Date(now - at * secondsBetween * 1_000);
  const isRare = at % 1_000 === 999;
  const hasFailed = at % 20 === 7;
  const time = createdAt.toISOString();
  return importRecordSchema.parse({
    ...{ v: 1, id: createImportId(createdAt, String(at)), state: hasFailed ? "Failed" : "Succeeded" },
    ...{ trigger: { kind: "http" }, hasCredentials: false, attempt: 1, warnings: [] },
    spec: {
      v: 1,
      source: { registry: isRare ? "rare.example" : "docker.io", repository: `library/app-${at % 50}`, tag: "1" },
      target: {
        registry: "prod.example",
        tags: [{ repository: `app-${at % 50}`, tag: "1" }],
        untaggedRepositories: [],
      },
      ...{ conflict: "fail", sparseIndex: false, foreignLayers: "auto", verify: "manifest", timeoutSeconds: 86_400 },
      labels: isRare ? { team: "rare" } : { team: "web" },
    },
    ...{ createdAt: time, startedAt: time, finishedAt: time, deadlineAt: time },
    progress: {
      manifests: { total: 1, done: 1 },
      blobs: { total: 4, done: 4 },
      bytes: { total: 100_000_000, copied: 60_000_000, mounted: 30_000_000, skipped: 10_000_000 },
      bytesPerSecond: 0,
    },
    ...(hasFailed && { error: { code: "SOURCE_NOT_FOUND", message: "source docker.io: gone", retryable: false } }),
  });
}

const layers = 1_000;

/** What keeps the browser from answering while it shows an import of 1,000 layers: its longest task in ms, medians. */
async function measureLayers({ url, storage }: TriggerBench["service"]) {
  const access = createTableAccess({ storage: { connectionString: storage }, tablePrefix: "" });
  const record = recordAt(storedImports, Date.now());
  const parts = Array.from({ length: layers }, (_, at): Part => {
    const digest = digestOf(Buffer.from(`layer ${at}`));
    const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
    return {
      kind: "blob",
      target: 0,
      digest,
      mediaType,
      sizeBytes: 1_000_000 + at,
      state: "done",
      via: "copied",
      ms: at,
    };
  });
  const children = parts.map(({ digest }) => digest);
  const root: Part = {
    ...{ kind: "manifest", target: 0, digest: digestOf(Buffer.from("root")), sizeBytes: 200_000, state: "done" },
    ...{ mediaType: "application/vnd.oci.image.manifest.v1+json", via: "copied", children },
  };
  await createImports(access).insert(record);
  await createParts(access).insertPlanned(record.id, [root, ...parts]);
  access.close();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const found = { shownMs: [] as number[], wholeMs: [] as number[] };
  for (let visit = 0; visit < visits; visit += 1) {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(`
      longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, Math.round(duration));
      }).observe({ type: "longtask", buffered: true });
    `);
    await page.goto(`${url}/#/import/${record.id}`);
    const whole = page.getByRole("button", { name: /^Show \d+ more$/ });
    await whole.waitFor();
    found.shownMs.push(Number(await page.evaluate("longest")));
    await page.evaluate("longest = 0");
    await whole.click();
    await page.waitForFunction(`document.querySelectorAll(".nodes .part").length > ${layers}`);
    found.wholeMs.push(Number(await page.evaluate("new Promise((done) => setTimeout(() => done(longest), 200))")));
    await page.close();
  }
  await browser.close();
  return { shownMs: medianOf(found.shownMs), wholeMs: medianOf(found.wholeMs) };
}

async function timeRequest(url: string): Promise<number> {
  const begin = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} was answered with ${response.status}`);
  return Math.round(performance.now() - begin);
}

/** From the address to the first paint, and to the rows of the list, in a browser that has never been there. */
async function measurePaint(url: string) {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const paints: number[] = [];
  const lists: number[] = [];
  for (let visit = 0; visit < visits; visit += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const begin = performance.now();
    await page.goto(`${url}/#/imports`);
    await page.locator("table.rows tbody tr").first().waitFor();
    lists.push(Math.round(performance.now() - begin));
    const paint: unknown = await page.evaluate(
      "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN",
    );
    paints.push(Math.round(Number(paint)));
    await context.close();
  }
  await browser.close();
  return { firstPaintMs: medianOf(paints), listShownMs: medianOf(lists) };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
