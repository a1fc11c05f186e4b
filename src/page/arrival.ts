import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { markEntry, readEntry } from "./routing.ts";
import { formatTitle } from "./use-title.ts";

/**
 * A new place begins at its top, or at what its address is about, with its title in the window and the focus where
 * reading goes on; one that is come back to, where it was left.
 */
export function useArrival(place: string, title: string): void {
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = formatTitle(title);
  }, [title]);
  // Together with what is shown: a moment later it would take the focus from who has gone on by keyboard already.
  useLayoutEffect(() => {
    if (!isFirst.current) document.getElementById("main")?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [place]);
  useScroll(place);
}

function useScroll(place: string): void {
  const left = useRef(new Map<string, number>());
  const at = useRef<string | undefined>(undefined);
  const wanted = useRef<number | "stay">("stay");
  const placeBefore = useRef(place);

  useEffect(() => {
    window.history.scrollRestoration = "manual"; // the browser scrolls before there is anything to scroll to
    at.current = (readEntry() ?? markEntry()).id;
    let atClick: number | undefined;
    // A link to another hash has moved the page to its top before anybody hears of that.
    const follow = ({ target, ctrlKey, metaKey, shiftKey }: MouseEvent) => {
      const isLink = target instanceof Element && target.closest('a[href^="#"]') !== null;
      if (isLink && !ctrlKey && !metaKey && !shiftKey) atClick = window.scrollY;
    };
    const leave = () => {
      if (at.current !== undefined) left.current.set(at.current, atClick ?? window.scrollY);
      atClick = undefined;
      const entry = readEntry();
      at.current = (entry ?? markEntry()).id;
      wanted.current = left.current.get(at.current) ?? "stay";
    };
    window.addEventListener("hashchange", leave);
    document.addEventListener("click", follow);
    return () => {
      window.removeEventListener("hashchange", leave);
      document.removeEventListener("click", follow);
    };
  }, []);

  const { hash } = window.location;
  useEffect(() => {
    const isNewPlace = placeBefore.current !== place;
    placeBefore.current = place;
    if (wanted.current !== "stay") return scrollWhenPossible(wanted.current);
    if (isNewPlace) window.scrollTo(0, 0);
    document.querySelector("[data-arrival]")?.scrollIntoView();
    return undefined;
  }, [hash]);
}

/** Scrolls as soon as enough is there, unless the reader has begun to; returns what gives it up. */
function scrollWhenPossible(top: number): () => void {
  const stop = () => {
    observer.disconnect();
    for (const name of signsOfReading) window.removeEventListener(name, stop);
  };
  const observer = new ResizeObserver(() => {
    if (document.documentElement.scrollHeight - window.innerHeight < top) return;
    window.scrollTo(0, top);
    stop();
  });
  for (const name of signsOfReading) window.addEventListener(name, stop);
  observer.observe(document.body); // says how it is at once, too
  return stop;
}

const signsOfReading = ["wheel", "touchstart", "keydown"] as const;
