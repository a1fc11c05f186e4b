import type { Draft } from "../use-draft.ts";
import { Notice } from "./notice.tsx";

/** Says that a form holds what was entered before it was left; nothing where it was not. */
export function DraftNotice({ isRestored, beginAnew }: Pick<Draft<unknown>, "isRestored" | "beginAnew">) {
  if (!isRestored) return null;
  return (
    <Notice tone="neutral" title="This is what you had entered">
      <p>
        It is kept until the service has taken it.{" "}
        <button type="button" onClick={beginAnew}>
          Begin anew
        </button>
      </p>
    </Notice>
  );
}
