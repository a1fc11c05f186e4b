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

export function navigate(hash: string): void {
  window.location.hash = hash;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}
