import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/page/data/api.ts";
import { createPoller } from "../../../src/page/data/poller.ts";
import type { Pace, Resource } from "../../../src/page/data/resource.ts";
import { aProblem } from "./problems.ts";

const ok: Outcome<unknown> = { kind: "ok", value: {}, etag: undefined };
const unreachable: Outcome<unknown> = { kind: "unreachable" };
const refused = (status: number, retryAfterSeconds?: number, code?: "IMPORT_NOT_FOUND"): Outcome<unknown> => ({
  ...{ kind: "refused", status, retryAfterSeconds },
  problem: code === undefined ? undefined : aProblem({ status, code }),
});

type Answer = (request: { readonly path: string }) => Outcome<unknown>;

/** A poller whose time passes by hand, and whose requests are counted. */
function createScene() {
  let nowMs = 0;
  let isVisible = true;
  let answer: Outcome<unknown> | Answer = ok;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  const requests: { readonly path: string; readonly atMs: number }[] = [];
  const poller = createPoller({
    after: (ms, run) => {
      const timer = { atMs: nowMs + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    isVisible: () => isVisible,
  });
  const resource = (path: string, pace: Pace, isLead = false): Resource => ({
    ...{ path, isLead },
    pace: () => pace,
    load: async () => {
      requests.push({ path, atMs: nowMs });
      return typeof answer === "function" ? answer({ path }) : answer;
    },
  });
  const settle = async () => {
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
  };
  return {
    poller,
    requests,
    settle,
    watch: async (path: string, pace: Pace, isLead = false) => {
      const stop = poller.watch(resource(path, pace, isLead));
      await settle();
      return stop;
    },
    watchAtOnce: (path: string, pace: Pace) => poller.watch(resource(path, pace)),
    answerWith: (next: Outcome<unknown> | Answer) => {
      answer = next;
    },
    show: (visible: boolean) => {
      isVisible = visible;
      poller.visibilityChanged();
    },
    /** Requests that are sent meanwhile. */
    pass: async (seconds: number) => {
      const before = requests.length;
      const endMs = nowMs + seconds * 1_000;
      for (;;) {
        const [due] = [...timers].filter(({ atMs }) => atMs <= endMs).sort((one, other) => one.atMs - other.atMs);
        if (due === undefined) break;
        timers.delete(due);
        nowMs = due.atMs;
        due.run();
        await settle();
      }
      nowMs = endMs;
      return requests.slice(before);
    },
  };
}

describe("the poller", () => {
  it("asks for one thing per 2 s while something runs, whatever is on screen", async () => {
    const scene = createScene();
    await scene.watch("/list", "idle");
    for (const name of ["a", "b", "c"]) await scene.watch(`/more/${name}`, "live");

    const sent = await scene.pass(60);

    expect(sent).toHaveLength(30);
    expect(new Set(sent.map(({ path }) => path)).size).toBe(4);
  });

  it("asks once per 30 s while nothing runs, and never for what stands still", async () => {
    const scene = createScene();
    await scene.watch("/list", "idle");
    await scene.watch("/older", "still");

    const sent = await scene.pass(300);

    expect(sent.map(({ path }) => path)).toEqual(Array.from({ length: 10 }, () => "/list"));
  });

  it("asks for nothing while the page is hidden, and at once when it is shown", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");

    scene.show(false);
    const hidden = await scene.pass(600);
    const before = scene.requests.length;
    scene.show(true);
    await scene.settle();

    expect(hidden).toEqual([]);
    expect(scene.requests).toHaveLength(before + 1);
    expect(await scene.pass(4)).toHaveLength(2);
  });

  it("asks for nothing any more once a view is left", async () => {
    const scene = createScene();
    const stop = await scene.watch("/list", "live");

    stop();

    expect(await scene.pass(600)).toEqual([]);
  });

  it("tries a lost connection at growing distances, and then loads everything that is on screen", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    await scene.watch("/other", "live");
    scene.answerWith(unreachable);

    const tries = await scene.pass(120);
    const distances = tries.slice(1).map(({ atMs }, at) => (atMs - (tries[at]?.atMs ?? 0)) / 1_000);
    expect(distances.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 30]);
    expect(scene.poller.connection()).toMatchObject({ kind: "lost" });

    scene.answerWith(ok);
    const healed = await scene.pass(30);
    expect(new Set(healed.map(({ path }) => path))).toEqual(new Set(["/list", "/other"]));
    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });

  it("waits as long as a service that is busy asks for", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    scene.answerWith(refused(429, 45));
    await scene.pass(2);

    expect(scene.poller.connection()).toMatchObject({ kind: "busy", status: 429 });
    expect(await scene.pass(44)).toEqual([]);
    expect(await scene.pass(1)).toHaveLength(1);
  });

  it("is not troubled by an answer that is about the request", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    scene.answerWith(refused(404, undefined, "IMPORT_NOT_FOUND"));

    await scene.pass(10);

    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });

  it("stops where something before the service bars the way, and goes on once it is asked to and let in", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    await scene.watch("/other", "live");
    scene.answerWith(refused(403));
    await scene.pass(2);

    expect(scene.poller.connection()).toEqual({ kind: "barred" });
    expect(await scene.pass(60)).toEqual([]);

    scene.answerWith(ok);
    scene.poller.refresh();
    await scene.settle();
    expect(scene.poller.connection()).toEqual({ kind: "fine" });
    expect(await scene.pass(4)).toHaveLength(2);
  });

  it("is not troubled by a 403 of the service itself", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    const problem = {
      ...{ type: "t", title: "Host not allowed", status: 403, detail: "no", retryable: false },
      code: "HOST_NOT_ALLOWED",
    } as const;
    scene.answerWith({ kind: "refused", status: 403, problem, retryAfterSeconds: undefined });

    await scene.pass(10);

    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });

  it("gives what the others belong to every second turn", async () => {
    const scene = createScene();
    await scene.watch("/import", "live", true);
    for (const at of [1, 2, 3, 4, 5]) await scene.watch(`/import/parts/${at}`, "live");

    const sent = await scene.pass(40);

    expect(sent.filter(({ path }) => path === "/import")).toHaveLength(10);
    expect(new Set(sent.map(({ path }) => path)).size).toBe(6);
  });

  it("takes many requests that fail together for one try", async () => {
    const scene = createScene();
    scene.answerWith(unreachable);
    for (let page = 1; page <= 20; page += 1) scene.watchAtOnce(`/list/${page}`, "live");
    await scene.settle();

    expect(scene.poller.connection()).toEqual({ kind: "lost", retrySeconds: 1 });
    scene.answerWith(ok);
    await scene.pass(1);
    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });

  it("waits longer and longer for one thing that fails while the rest answers", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    await scene.watch("/broken", "live");
    scene.answerWith(({ path }) => (path === "/broken" ? refused(500) : ok));

    const sent = await scene.pass(300);

    expect(sent.length).toBeLessThan(60);
  });

  it("takes a 404 that is not the service's for a service that is not there yet", async () => {
    const scene = createScene();
    await scene.watch("/import", "live");
    scene.answerWith(refused(404));

    await scene.pass(2);

    expect(scene.poller.connection()).toMatchObject({ kind: "busy", status: 404 });
  });

  it("tries at once when it is told to, and else when the service has said", async () => {
    const scene = createScene();
    await scene.watch("/list", "live");
    scene.answerWith(refused(429, 600));
    await scene.pass(2);
    scene.answerWith(ok);

    scene.poller.tryNow();
    await scene.settle();

    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });

  it("goes on when something on screen does not understand its answer", async () => {
    const scene = createScene();
    const stop = scene.poller.watch({
      ...{ path: "/new", isLead: true, load: async () => ok },
      pace: () => {
        throw new TypeError("no such state");
      },
    });
    await scene.watch("/list", "live");

    expect(await scene.pass(4)).toHaveLength(1);
    stop();
  });

  it("stops where a key is wanted, tries once with what it gets, and says when that was no good", async () => {
    const scene = createScene();
    scene.answerWith({ kind: "sign-in", by: "key" });
    await scene.watch("/list", "live");

    expect(await scene.pass(60)).toEqual([]);
    expect(scene.poller.connection()).toEqual({ kind: "sign-in", by: "key", isRepeated: false });

    scene.poller.signedIn();
    await scene.settle();
    expect(scene.poller.connection()).toEqual({ kind: "sign-in", by: "key", isRepeated: true });

    scene.answerWith(ok);
    scene.poller.signedIn();
    await scene.settle();
    expect(await scene.pass(4)).toHaveLength(2);
    expect(scene.poller.connection()).toEqual({ kind: "fine" });
  });
});
