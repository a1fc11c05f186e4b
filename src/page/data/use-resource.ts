import { useEffect, useRef, useState } from "preact/hooks";
import { useServices } from "../services.ts";
import { createResource, type Pace, type Snapshot, type TypedResource } from "./resource.ts";

export interface ChainOptions<T> {
  readonly first: string;
  /** The path that follows these answers; undefined: enough is on screen. */
  readonly next: (values: readonly T[]) => string | undefined;
  readonly pace: (value: T | undefined, at: number) => Pace;
}

interface Held<T> {
  readonly resource: TypedResource<T>;
  readonly stop: () => void;
}

const nothingYet: Snapshot<never> = { value: undefined, etag: undefined, isGone: false, refusal: undefined };

/** What the API answers at `path`, kept up to date while it is on screen. */
export function useResource<T>(path: string, pace: (value: T | undefined) => Pace): Snapshot<T> {
  const [snapshot = nothingYet] = useChain<T>({ first: path, next: () => undefined, pace });
  return snapshot;
}

/** A page of the API and those that follow it, as far as they are wanted: all of them are on screen. */
export function useChain<T>({ first, next, pace }: ChainOptions<T>): readonly Snapshot<T>[] {
  const { api, poller } = useServices();
  const held = useRef(new Map<string, Held<T>>());
  const [, setVersion] = useState(0);
  const latestPace = useRef(pace);
  latestPace.current = pace;

  const paths = [first];
  const values: T[] = [];
  for (;;) {
    const value = held.current.get(paths.at(-1) ?? "")?.resource.snapshot().value;
    if (value === undefined) break;
    values.push(value);
    const following = next(values);
    if (following === undefined) break;
    paths.push(following);
  }
  const latestPaths = useRef(paths);
  latestPaths.current = paths;

  useEffect(() => {
    for (const [path, { stop }] of held.current) {
      if (paths.includes(path)) continue;
      stop();
      held.current.delete(path);
    }
    for (const path of paths) {
      if (held.current.has(path)) continue;
      const resource = createResource<T>({
        api,
        path,
        pace: (value) => latestPace.current(value, latestPaths.current.indexOf(path)),
        onChange: () => setVersion((version) => version + 1),
      });
      held.current.set(path, { resource, stop: poller.watch(resource) });
    }
  }, [paths.join("\n")]);

  useEffect(() => {
    const all = held.current;
    return () => {
      for (const { stop } of all.values()) stop();
      all.clear();
    };
  }, []);

  return paths.map((path) => held.current.get(path)?.resource.snapshot() ?? nothingYet);
}
