import { scrub } from "../errors.ts";
import type { HostBoard, HostFacts, HostNotes, Pause } from "../registry/host-board.ts";
import type { Hosts } from "../store/hosts.ts";
import type { Log } from "./log.ts";

export interface HostBoardDeps {
  readonly hosts: Hosts;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export interface TableBoard extends HostBoard {
  /** When what was noted so far is written, or could not be. */
  readonly settled: () => Promise<void>;
}

/** Longer than a table in use needs for an answer, and short for whoever waits to ask a registry. */
const readMs = 2_000;
/** Notes that wait to be written; the same note twice counts once. Beyond that the oldest are dropped. */
const maxWaiting = 200;

/**
 * Notes about hosts in table `Hosts`. No request to a registry waits for that table longer than `readMs`, and only the
 * first one to a host at all: notes are written one after the other behind everybody's back. When the table fails, each
 * process knows only what it has seen itself; that is logged when it begins, not at each note.
 */
export function createHostBoard({ hosts, sleep, log }: HostBoardDeps): TableBoard {
  const failing = new Set<string>();
  const readings = new Map<string, Promise<HostNotes>>();
  const waiting = new Map<string, { readonly host: string; readonly write: () => Promise<void>; facts?: HostFacts }>();
  let writer: Promise<void> | undefined;

  const failed = (what: string, host: string, error: string): void => {
    if (!failing.has(what)) log(`host-${what}-failed`, { host, error });
    failing.add(what);
  };

  /** One at a time per host, however slow the table is. */
  const readOnce = (host: string): Promise<HostNotes> => {
    const known = readings.get(host);
    if (known !== undefined) return known;
    const reading = readQuietly(host).finally(() => readings.delete(host));
    readings.set(host, reading);
    return reading;
  };

  const readQuietly = async (host: string): Promise<HostNotes> => {
    try {
      const notes = await hosts.read(host);
      failing.delete("read");
      return notes;
    } catch (thrown) {
      failed("read", host, scrub(String(thrown)));
      return nothing;
    }
  };

  const read: HostBoard["read"] = async (host) => {
    const inTime = new AbortController();
    const late = async (): Promise<HostNotes> => {
      await sleep(readMs, inTime.signal);
      failed("read", host, `no answer in ${readMs} ms`);
      return nothing;
    };
    const bound = late();
    bound.catch(() => undefined); // it was in time
    try {
      return await Promise.race([readOnce(host), bound]);
    } finally {
      inTime.abort();
    }
  };

  const writeAll = async (): Promise<void> => {
    for (const [key, { host, write }] of waiting) {
      waiting.delete(key);
      try {
        await write();
        failing.delete("write");
      } catch (thrown) {
        failed("write", host, scrub(String(thrown)));
      }
    }
    writer = undefined;
  };

  const noteLater = (key: string, host: string, write: () => Promise<void>, facts?: HostFacts): void => {
    waiting.delete(key); // what replaces it is newer
    waiting.set(key, { host, write, ...(facts && { facts }) });
    const [oldest] = waiting.keys();
    if (waiting.size > maxWaiting && oldest !== undefined) {
      waiting.delete(oldest);
      failed("write", host, `more than ${maxWaiting} notes wait for the table`);
    }
    writer ??= writeAll();
  };

  return {
    read,
    pause: (host, pause: Pause) => noteLater(`pause ${host} ${pause.key}`, host, () => hosts.pause(host, pause)),
    learn: (host, learned) => {
      const key = `facts ${host}`;
      const facts = { ...waiting.get(key)?.facts, ...learned };
      noteLater(key, host, () => hosts.learn(host, facts), facts);
    },
    settled: async () => {
      await writer;
    },
  };
}

const nothing: HostNotes = { pauses: [], facts: {} };
