import { useEffect, useState } from "preact/hooks";

/** Where in the page one is: `#/VIEW/ARGUMENT?QUERY`. The service only knows `/`, so that every address works. */
export interface Route {
  readonly view: string;
  /** What follows the view, decoded; empty: nothing. */
  readonly argument: string;
  readonly query: URLSearchParams;
}

/** The route of a location's hash. */
export function parseHash(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", argument = ""] = path.split("/", 2);
  return { view, argument: decode(argument), query: new URLSearchParams(query) };
}

/** The address of a place in the page; query parameters without value are left out. */
export function formatHash(view: string, argument = "", query: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  const search = given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
  return `#/${view}${argument === "" ? "" : `/${encodeURIComponent(argument)}`}${search}`;
}

/** The route that the address shows. */
export function useRoute(): Route {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const follow = () => setHash(window.location.hash);
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return parseHash(hash);
}

/** On the element of a view that its address is about: it is scrolled to when one arrives. */
export const arrivalMark = { "data-arrival": "" } as const;

/** What the browser keeps for each entry of its history. */
export interface HistoryEntry {
  readonly id: string;
  /** Addresses of the pages of a list that come before the one that is shown, as they were turned. */
  readonly trail: readonly string[];
}

/** The entry that one is at; undefined: it is a new one, which a link has led to. */
export function readEntry(): HistoryEntry | undefined {
  const state: unknown = window.history.state;
  if (typeof state !== "object" || state === null || !("id" in state) || !("trail" in state)) return undefined;
  const { id, trail } = state;
  if (typeof id !== "string" || !Array.isArray(trail)) return undefined;
  return { id, trail: trail.filter((hash) => typeof hash === "string") };
}

/** Names the entry that one is at. */
export function markEntry(trail: readonly string[] = []): HistoryEntry {
  const entry = { id: `${Date.now()}-${Math.random()}`, trail };
  window.history.replaceState(entry, "");
  return entry;
}

export interface NavigateOptions {
  /** Whether "back" leads to where one was. */
  readonly entry?: "new" | "same";
  readonly trail?: readonly string[];
}

/** Goes to another place of the page. */
export function navigate(hash: string, { entry = "new", trail = [] }: NavigateOptions = {}): void {
  if (window.location.hash === hash) return;
  if (entry === "new") window.history.pushState(null, "", hash);
  else window.history.replaceState(window.history.state, "", hash);
  if (trail.length > 0) markEntry(trail);
  window.dispatchEvent(new Event("hashchange")); // which only links and typed addresses fire by themselves
}

/** Turns to the next page of a list. */
export function turnForth(hash: string): void {
  navigate(hash, { trail: [...(readEntry()?.trail ?? []), window.location.hash] });
}

/** Turns to the page before; to `first` where nobody knows that one: the address was opened anew. */
export function turnBack(first: string): void {
  const trail = readEntry()?.trail ?? [];
  navigate(trail.at(-1) ?? first, { trail: trail.slice(0, -1) });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}
