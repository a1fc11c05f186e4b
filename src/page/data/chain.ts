import type { Api } from "./api.ts";
import type { Poller } from "./poller.ts";
import { createResource, nothingYet, type Pace, type Snapshot, type TypedResource } from "./resource.ts";

export interface ChainDeps {
  readonly api: Pick<Api, "get">;
  readonly watch: Poller["watch"];
  readonly onChange: () => void;
}

export interface ChainOptions<T> {
  readonly first: string;
  /** The path that follows these answers; undefined: enough is on screen. */
  readonly next: (values: readonly T[]) => string | undefined;
  /**
   * Whether a page that has been found stays where its path said, or moves with what the page before it says now. A
   * list that grows at its head must keep them, or each newcomer would have all of them asked for anew.
   */
  readonly tail: "kept" | "followed";
  /** Whether the first one has every second turn. */
  readonly lead: "first" | "none";
  readonly pace: (value: T | undefined, at: number) => Pace;
}

/** Answers of the API each of which tells where the next one is. */
export interface Chain<T> {
  /** The paths that are wanted by what is known now. Changes nothing. */
  readonly walk: () => readonly string[];
  /** Loads and keeps up to date what is wanted, and ends the rest. */
  readonly hold: (paths: readonly string[]) => void;
  readonly snapshots: (paths: readonly string[]) => readonly Snapshot<T>[];
  readonly close: () => void;
}

interface Held<T> {
  readonly resource: TypedResource<T>;
  /** What stood in its place before: it stays on screen until this one has answered. */
  readonly before: Snapshot<T>;
  readonly stop: () => void;
}

/** Holds a page of the API and those that follow it; `options` are asked for each time, for they change with the view. */
export function createChain<T>({ api, watch, onChange }: ChainDeps, options: () => ChainOptions<T>): Chain<T> {
  const held = new Map<string, Held<T>>();
  let current: readonly string[] = [];

  const snapshotOf = (path: string): Snapshot<T> => {
    const one = held.get(path);
    if (one === undefined) return nothingYet;
    const own = one.resource.snapshot();
    return own.value === undefined && own.refusal === undefined ? one.before : own;
  };

  const begin = (path: string, at: number, before: Snapshot<T>): Held<T> => {
    const resource = createResource<T>({
      ...{ api, path, onChange },
      isLead: at === 0 && options().lead === "first",
      pace: (value) => options().pace(value, current.indexOf(path)),
    });
    return { resource, before, stop: watch(resource) };
  };

  return {
    walk: () => {
      const { first, next, tail } = options();
      const known = tail === "kept" && current[0] === first ? current : [];
      const paths = [first];
      const values: T[] = [];
      for (;;) {
        const { value } = snapshotOf(paths.at(-1) ?? first);
        if (value === undefined) return paths;
        values.push(value);
        const following = known[paths.length] ?? next(values);
        if (following === undefined) return paths;
        paths.push(following);
      }
    },
    hold: (paths) => {
      const before = current.map(snapshotOf);
      for (const [path, { stop }] of held) {
        if (paths.includes(path)) continue;
        stop();
        held.delete(path);
      }
      const isSameList = paths[0] === current[0];
      current = paths;
      for (const [at, path] of paths.entries()) {
        if (held.has(path)) continue;
        held.set(path, begin(path, at, (isSameList ? before[at] : undefined) ?? nothingYet));
      }
    },
    snapshots: (paths) => paths.map(snapshotOf),
    close: () => {
      for (const { stop } of held.values()) stop();
      held.clear();
    },
  };
}
