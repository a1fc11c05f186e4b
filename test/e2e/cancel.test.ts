import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImportView } from "../../src/domain/import-view.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { rateLimited } from "../helpers/faults-any.ts";
import { image } from "../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService, viewOf } from "../helpers/service.ts";
import { expectImage, openWorld } from "./world.ts";

/** What a cancelled import does, and what it does not do any more. */

const stopMs = 3_000;

let azurite: Azurite;
const cleanup = new AsyncDisposableStack();
let source: TestRegistry;
let target: TestRegistry;
/** Asks to wait two minutes before each upload. */
let limited: TestRegistry;
let service: Service;

beforeAll(async () => {
  azurite = cleanup.use(await startAzurite());
  source = cleanup.use(await startRegistry());
  target = cleanup.use(await startRegistry());
  limited = cleanup.use(await startRegistry({ faults: [rateLimited({ kind: "upload-start", retryAfter: "120" })] }));
  const directory = await mkdtemp(join(tmpdir(), "cancel-"));
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  const settings = settingsFor({ source: source.host, target: `${target.host},${limited.host}` });
  const { DEFAULT_TARGET: _, ...several } = settings;
  service = cleanup.use(await startService({ directory, storage: azurite.connectionString, settings: several }));
});
afterAll(() => cleanup.disposeAsync());

/** An import of three layers that stands still in the middle of the largest one. */
async function startHeldImport(repository: string) {
  const pushed = image({ layers: [5_000_000, 40_000, 900], seed: repository });
  await source.seedImage(repository, "1", pushed);
  const [, large] = pushed.blobs;
  if (large === undefined) throw new Error("the image lacks a layer");
  const small = pushed.blobs.filter(({ descriptor }) => descriptor !== large.descriptor);
  const arrived = small.map(({ descriptor: { digest } }) =>
    target.waitForRequest({ kind: "upload-put", digest, repository, status: 201 }, 30_000),
  );
  const { reached, release } = source.hold(
    { kind: "blob-get", repository, digest: large.descriptor.digest },
    { sentBytes: 2_000_000 },
  );
  const request = { source: `${source.host}/${repository}:1`, target: target.host };
  const { id } = await service.startImport(request);
  await reached;
  await Promise.all(arrived);
  return { id, pushed, small, release };
}

/** Everything asked of the registries after that moment, for that repository. */
function requestsSince(repository: string, since: string | undefined) {
  const sinceMs = Date.parse(since ?? "");
  return [source, target, limited]
    .flatMap(({ requests }) => requests)
    .filter((request) => request.repository === repository && request.startedAt.getTime() > sinceMs);
}

/** The orchestration sleeps: its history has a timer. */
async function waitForTimer(id: string): Promise<void> {
  const path = `/runtime/webhooks/durabletask/instances/${id}-1?showHistory=true`;
  await expect
    .poll(async () => (await service.request("GET", path)).text, { timeout: 30_000 })
    .toContain("TimerCreated");
}

function msUntilEnd(view: ImportView, sinceMs: number): number {
  return Date.parse(view.finishedAt ?? "") - sinceMs;
}

describe("cancel", () => {
  it("stops a running transfer within seconds, and a retry then brings what was missing", async () => {
    const repository = "while/copying";
    const { id, pushed, small, release } = await startHeldImport(repository);

    const cancelledAt = Date.now();
    const answer = await service.cancel(id);
    const view = await service.waitForEnd(id);

    expect(answer.status).toBe(202);
    expect(view.state).toBe("Cancelled");
    expect(view).not.toHaveProperty("error");
    expect(msUntilEnd(view, cancelledAt)).toBeLessThan(stopMs);
    expect(target.tags(repository)).toEqual({});
    expect(target.openSessions().filter((session) => session.repository === repository)).toEqual([]);
    release();

    const again = await service.retry(id);
    const retriedAt = again.createdAt === view.createdAt ? view.finishedAt : undefined;
    const end = await service.waitForEnd(id);

    expect(again).toMatchObject({ attempt: 2 });
    expect(end).toMatchObject({ state: "Succeeded", attempt: 2, target: { digest: pushed.root.digest } });
    await expectImage(target, repository, pushed, "1");
    for (const { descriptor } of small) expect(target.bytesReceived(descriptor.digest)).toBe(descriptor.size);
    const gets = requestsSince(repository, retriedAt).filter(({ kind }) => kind === "blob-get");
    expect(gets.map(({ digest }) => digest)).toEqual([pushed.blobs[1]?.descriptor.digest]);
  });

  it("asks nothing more of any registry once the import has ended", async () => {
    const repository = "quiet/afterwards";
    const { id, release } = await startHeldImport(repository);

    await service.cancel(id);
    const view = await service.waitForEnd(id);
    release();
    await service.importAndWait({ source: `${source.host}/no/such:1`, target: target.host }); // time for what must not come

    expect(view.state).toBe("Cancelled");
    expect(requestsSince(repository, view.finishedAt)).toEqual([]);
    const open = [...source.requests, ...target.requests].filter((one) => one.repository === repository && !one.isOver);
    expect(open).toEqual([]);
  });

  it("wakes an import that a registry made wait for minutes", async () => {
    const repository = "asked/to-wait";
    await source.seedImage(repository, "1", image({ seed: repository }));
    const { id } = await service.startImport({ source: `${source.host}/${repository}:1`, target: limited.host });
    await waitForTimer(id);

    const cancelledAt = Date.now();
    await service.cancel(id);
    const view = await service.waitForEnd(id);

    expect(view.state).toBe("Cancelled");
    expect(msUntilEnd(view, cancelledAt)).toBeLessThan(stopMs);
    expect(requestsSince(repository, view.finishedAt)).toEqual([]);
  });

  it("is refused once tags are being written, and the import succeeds", async () => {
    const repository = "too/late";
    const pushed = image({ seed: repository });
    await source.seedImage(repository, "1", pushed);
    const { reached, release } = target.hold({ kind: "manifest-put", repository, reference: "1" }, "request");
    const { id } = await service.startImport({ source: `${source.host}/${repository}:1`, target: target.host });
    await reached;

    const answer = await service.cancel(id);
    const during = await service.read(id);
    release();
    const view = await service.waitForEnd(id);
    const afterwards = await service.cancel(id);

    expect(during.state).toBe("Publishing");
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.text)).toMatchObject({ code: "IMPORT_STATE_CONFLICT" });
    expect(view.state).toBe("Succeeded");
    expect(afterwards.status).toBe(409);
    await expectImage(target, repository, pushed, "1");
  });

  it("may be asked twice, at once and afterwards", async () => {
    const { id, release } = await startHeldImport("asked/twice");

    const both = await Promise.all([service.cancel(id), service.cancel(id)]);
    const view = await service.waitForEnd(id);
    const later = await service.cancel(id);
    release();

    for (const { status } of both) expect([200, 202]).toContain(status);
    expect(view).toMatchObject({ state: "Cancelled", attempt: 1 });
    expect(later.status).toBe(200);
    expect(viewOf(later).finishedAt).toBe(view.finishedAt);
  });

  it("leaves no import between two states when a retry races it", async () => {
    const { id, pushed, release } = await startHeldImport("against/retry");
    await service.cancel(id);
    await service.waitForEnd(id);
    release();

    const [retried, cancelled] = await Promise.all([
      service.request("POST", `/api/imports/${id}/retry`),
      service.cancel(id),
    ]);
    const view = await service.waitForEnd(id);

    expect(retried.status).toBe(202);
    expect([200, 202, 409]).toContain(cancelled.status);
    expect(view.attempt).toBe(2);
    expect(["Succeeded", "Cancelled"]).toContain(view.state);
    const end = view.state === "Cancelled" ? await service.retry(id).then(() => service.waitForEnd(id)) : view;
    expect(end.state).toBe("Succeeded");
    await expectImage(target, "against/retry", pushed, "1");
  });

  it("makes a retry wait for the end of what is being cancelled", async () => {
    const { id, release } = await startHeldImport("retry/too-early");

    const early = await service.request("POST", `/api/imports/${id}/retry`);
    await service.cancel(id);
    const view = await service.waitForEnd(id);
    release();

    expect(early.status).toBe(409);
    expect(view).toMatchObject({ state: "Cancelled", attempt: 1 });
  });

  it("ends an import that was accepted and never started, for good", async () => {
    await using world = await openWorld(azurite);
    await world.source.seedImage("never/started", "1", image({ seed: "never started" }));
    const first = await world.start();
    const { reached } = world.gate.stop("after", { method: "POST", table: "Imports" });
    const posted = first.post({ source: `${world.source.host}/never/started:1` }).catch((thrown: unknown) => thrown);
    await reached;
    await first.kill("SIGKILL");
    expect(await posted).toBeInstanceOf(Error);
    await world.ageOpenRows(61);
    const [accepted] = await world.rows("Imports");
    const id = String(accepted?.rowKey);

    const second = await world.start();
    const before = await second.read(id);
    const answer = await second.cancel(id);
    await second.sweep();
    const again = await second.retry(id);
    const view = await second.waitForEnd(id);

    expect(before.state).toBe("Accepted");
    expect(answer.status).toBe(200);
    expect(viewOf(answer)).toMatchObject({ state: "Cancelled", attempt: 1 });
    expect(again.attempt).toBe(2);
    expect(view).toMatchObject({ state: "Succeeded", attempt: 2 });
  });
});

describe("a part that fails for good", () => {
  it("stops the others, and a retry goes on from what is there", async () => {
    const repository = "one/denied";
    const { id, pushed, release } = await startFailingImport(repository);

    const view = await service.waitForEnd(id);
    release();

    expect(view).toMatchObject({ state: "Failed", error: { code: "TARGET_FORBIDDEN", side: "target" } });
    expect(target.tags(repository)).toEqual({});
    expect(requestsSince(repository, view.finishedAt)).toEqual([]);
    await service.retry(id);
    expect(await service.waitForEnd(id)).toMatchObject({ state: "Succeeded", attempt: 2 });
    await expectImage(target, repository, pushed, "1");
  });

  async function startFailingImport(repository: string) {
    const denied = image({ seed: repository, layers: [70_000, 800] });
    const [, layer] = denied.blobs;
    target.failNext(
      { kind: "upload-put", repository, digest: layer?.descriptor.digest ?? denied.root.digest },
      403,
      "DENIED",
    );
    await source.seedImage(repository, "1", denied);
    const { release } = source.hold(
      { kind: "blob-get", repository, digest: denied.blobs[2]?.descriptor.digest ?? denied.root.digest },
      { sentBytes: 100 },
    );
    const { id } = await service.startImport({ source: `${source.host}/${repository}:1`, target: target.host });
    return { id, pushed: denied, release };
  }
});
