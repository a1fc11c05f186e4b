import { useEffect } from "preact/hooks";

/**
 * Where what has the focus vanishes (a button whose deed is done, a row that is gone), the browser drops the focus on
 * the whole page, and who reads by keyboard begins at its top. Here it goes to what was around it.
 */
export function useFocusKeeper(): void {
  useEffect(() => {
    let around: readonly Element[] = [];
    const remember = ({ target }: FocusEvent) => {
      around = target instanceof Element ? ancestorsOf(target) : [];
    };
    const watch = new MutationObserver(() => {
      const [last, ...outer] = around;
      if (last === undefined || last.isConnected || document.activeElement !== document.body) return;
      const next = outer.find(({ isConnected }) => isConnected);
      if (!(next instanceof HTMLElement) || next === document.body) return;
      if (!next.hasAttribute("tabindex")) next.tabIndex = -1;
      next.focus({ preventScroll: true });
    });
    document.addEventListener("focusin", remember);
    watch.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener("focusin", remember);
      watch.disconnect();
    };
  }, []);
}

/** The element itself first. */
function ancestorsOf(element: Element): readonly Element[] {
  const found: Element[] = [];
  for (let at: Element | null = element; at !== null; at = at.parentElement) found.push(at);
  return found;
}
