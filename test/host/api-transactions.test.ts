import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { MiB } from "../../src/descriptor.ts";
import { image, multiPlatformImage, type TestImage } from "../helpers/images.ts";
import { type Api, startApi } from "./api-support/start-api.ts";

let api: Api;
beforeAll(async () => {
  api = await startApi();
  // The first import creates the tables; the first request to the registries learns how they are reached.
  await api.source.seedImage("warm/up", "1", image({ layers: [10, 20] }));
  await api.importAndWait({ source: `${api.source.host}/warm/up:1` });
});
afterAll(() => api[Symbol.asyncDispose]());

const healthSchema = z.looseObject({ storage: z.looseObject({ transactions: z.int() }) });

/** Storage transactions so far, without the one of this question. */
async function transactions(): Promise<number> {
  const { storage } = healthSchema.parse(await (await api.get("/api/health")).json());
  return storage.transactions - 1;
}

const small = (count: number, seed: string) =>
  image({ seed, layers: Array.from({ length: count }, (_, at) => 100 + at) });
const unitBlobs = 32;
const largeBytes = 64 * MiB;

describe("storage transactions of an import", () => {
  it.each<[string, TestImage]>([
    ["a small image", small(3, "small")],
    ["an image of several platforms", multiPlatformImage()],
    ["an image of many layers", small(120, "many")],
    ["an image with a large layer", image({ seed: "large", layers: [largeBytes, 1_000] })],
  ])("stay within 14 + 4 per unit + 2 per 100 parts + 3 per large blob: %s", async (name, seeded) => {
    const large = seeded.blobs.filter(({ descriptor }) => descriptor.size >= largeBytes).length;
    const units = Math.ceil((seeded.blobs.length - large) / unitBlobs) + large;
    const parts = seeded.blobs.length + seeded.manifests.length;

    const { state, used, ms } = await measureApartFromTimers(name.replaceAll(" ", "-"), seeded);

    const polls = Math.floor(ms / 2_000) * (1 + units); // one for all that runs, one per running unit
    const notes = 2 * (1 + Math.floor(ms / 5_000)); // each host's are read every 5 s by the process
    expect(state).toBe("Succeeded");
    expect(used).toBeLessThanOrEqual(14 + 4 * units + 2 * Math.ceil(parts / 100) + 3 * large + polls + notes);
  });
});

/** Imports it into one repository after the other until once the timer of each minute, which uses storage too, was idle. */
async function measureApartFromTimers(repository: string, seeded: TestImage) {
  for (let at = 1; ; at += 1) {
    await api.source.seedImage(`${repository}-${at}`, "1", seeded);
    const before = await transactions();
    const beganMs = Date.now();
    const { state } = await api.importAndWait({ source: `${api.source.host}/${repository}-${at}:1` });
    const endedMs = Date.now();
    const used = (await transactions()) - 1 - before; // one GET asks for the end
    if (minuteOf(beganMs - timerMs) === minuteOf(endedMs)) return { state, used, ms: endedMs - beganMs };
  }
}

const timerMs = 5_000; // how long its work may take
const minuteOf = (ms: number) => Math.floor(ms / 60_000);
