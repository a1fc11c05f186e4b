import { useEffect, useRef, useState } from "preact/hooks";
import { useServices } from "../services.ts";
import { type Chain, type ChainOptions, createChain } from "./chain.ts";
import { nothingYet, type Pace, type Snapshot } from "./resource.ts";

/** What the API answers at `path`, kept up to date while it is on screen. */
export function useResource<T>(path: string, pace: (value: T | undefined) => Pace): Snapshot<T> {
  const next = () => undefined;
  const [snapshot = nothingYet] = useChain<T>({ first: path, next, tail: "followed", lead: "first", pace });
  return snapshot;
}

/** A page of the API and those that follow it, as far as they are wanted: all of them are on screen. */
export function useChain<T>(options: ChainOptions<T>): readonly Snapshot<T>[] {
  const { api, poller } = useServices();
  const latest = useRef(options);
  latest.current = options;
  const [, setVersion] = useState(0);
  const held = useRef<Chain<T> | undefined>(undefined);
  held.current ??= createChain<T>(
    { api, watch: poller.watch, onChange: () => setVersion((version) => version + 1) },
    () => latest.current,
  );
  const chain = held.current;
  const paths = chain.walk();

  useEffect(() => chain.hold(paths), [paths.join("\n")]);
  useEffect(() => chain.close, []);

  return chain.snapshots(paths);
}
