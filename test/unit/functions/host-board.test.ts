import { describe, expect, it } from "vitest";
import { createHostBoard } from "../../../src/functions/host-board.ts";
import type { HostFacts, HostNotes, Pause } from "../../../src/registry/host-board.ts";

const until = new Date("2026-11-24T12:10:00.000Z");
const pauseOf = (key: string): Pause => ({ key, until, reason: "it has answered 429" });

/** A board over a table that answers as `answer` says. `time` lets the board's own patience end. */
function create(answer: () => Promise<unknown>, notes: HostNotes = { pauses: [], facts: {} }) {
  const written: (Pause | HostFacts)[] = [];
  const lines: string[] = [];
  const time = Promise.withResolvers<void>();
  let reads = 0;
  const board = createHostBoard({
    hosts: {
      read: async () => {
        reads += 1;
        await answer();
        return notes;
      },
      pause: async (_, pause) => {
        await answer();
        written.push(pause);
      },
      learn: async (_, facts) => {
        await answer();
        written.push(facts);
      },
    },
    sleep: () => time.promise,
    log: (event) => lines.push(event),
  });
  return { board, written, lines, endPatience: time.resolve, reads: () => reads };
}

const gate = () => Promise.withResolvers<void>();

describe("notes", () => {
  it("are written in the background, the same one once, facts of a host together", async () => {
    const opened = gate();
    const { board, written } = create(() => opened.promise);

    board.pause("r.example", pauseOf("all")); // is being written
    board.pause("r.example", pauseOf("read|a"));
    board.pause("r.example", pauseOf("read|a"));
    board.learn("r.example", { maxPutBytes: 5 });
    board.learn("r.example", { refusesChunks: true });
    const before = [...written];
    opened.resolve();
    await board.settled();

    expect(before).toEqual([]);
    expect(written).toEqual([pauseOf("all"), pauseOf("read|a"), { maxPutBytes: 5, refusesChunks: true }]);
  });

  it("do not pile up at a table that stands still", async () => {
    const opened = gate();
    const { board, written, lines } = create(() => opened.promise);

    for (let number = 0; number < 1_000; number += 1) board.pause(`r${number}.example`, pauseOf("all"));
    opened.resolve();
    await board.settled();

    expect(written).toHaveLength(201); // and the one that was being written
    expect(lines).toEqual(["host-write-failed"]);
  });

  it("that cannot be written are logged once, until the table works again", async () => {
    let isBroken = true;
    const { board, lines } = create(async () => {
      if (isBroken) throw new Error("the table is away");
    });
    const note = async () => {
      board.pause("r.example", pauseOf("all"));
      await board.settled();
    };

    await note();
    await note();
    const whileBroken = [...lines];
    isBroken = false;
    await note();
    isBroken = true;
    await note();

    expect(whileBroken).toEqual(["host-write-failed"]);
    expect(lines).toHaveLength(2);
  });
});

describe("reading notes", () => {
  it("gives up on a slow table, asks it once at a time, and has its answer for the next who asks", async () => {
    const opened = gate();
    const notes = { pauses: [], facts: { profile: "gar" } };
    const { board, lines, endPatience, reads } = create(() => opened.promise, notes);

    endPatience();
    const late = await Promise.all([board.read("r.example"), board.read("r.example")]);
    const readsMeanwhile = reads();
    const { board: quick } = create(async () => undefined, notes);
    const inTime = await quick.read("r.example");

    expect(late).toEqual([
      { pauses: [], facts: {} },
      { pauses: [], facts: {} },
    ]);
    expect(readsMeanwhile).toBe(1);
    expect(lines).toEqual(["host-read-failed"]);
    expect(inTime).toEqual(notes);
  });

  it("that fails leaves each process with what it knows itself", async () => {
    const { board, lines } = create(async () => {
      throw new Error("the table is away");
    });

    const found = [await board.read("r.example"), await board.read("s.example")];

    expect(found).toEqual([
      { pauses: [], facts: {} },
      { pauses: [], facts: {} },
    ]);
    expect(lines).toEqual(["host-read-failed"]);
  });
});
