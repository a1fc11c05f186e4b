import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { Notice } from "./notice.tsx";

/** Stands in for a view that does not understand what the service answers. */
export function Boundary({ children }: { readonly children: ComponentChildren }) {
  const [thrown] = useErrorBoundary();
  if (thrown === undefined) return <>{children}</>;
  return (
    <>
      <h1>This cannot be shown</h1>
      <Notice tone="bad" title="The service was updated since this page was loaded, or the page has a fault">
        <p>{thrown instanceof Error ? thrown.message : String(thrown)}</p>
        <button type="button" onClick={() => window.location.reload()}>
          Load again
        </button>
      </Notice>
    </>
  );
}
