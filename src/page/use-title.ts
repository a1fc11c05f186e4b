import { useEffect } from "preact/hooks";

/** Names what the view shows in the browser's window, once it is known; the address may only have an id. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    if (title !== undefined) document.title = formatTitle(title);
  }, [title]);
}

export function formatTitle(title: string): string {
  return `${title} · Drayage`;
}
