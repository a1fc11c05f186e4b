import { useState } from "preact/hooks";
import type { DraftsByForm } from "./drafts.ts";
import { useServices } from "./services.ts";

export interface Draft<T> {
  readonly value: T;
  /** It was entered before, and the form was left since. */
  readonly isRestored: boolean;
  readonly change: (value: T) => void;
  /** It was sent: whoever comes back begins anew. */
  readonly forget: () => void;
  readonly beginAnew: () => void;
}

/** What a form holds, which survives that its view is left. `about`: the one thing that it is for; empty: a new one. */
export function useDraft<Form extends keyof DraftsByForm>(
  form: Form,
  about: string,
  begin: () => DraftsByForm[Form],
): Draft<DraftsByForm[Form]> {
  const drafts = useServices().drafts[form];
  const [value, setValue] = useState(() => drafts.get(about) ?? begin());
  const [isRestored, setRestored] = useState(drafts.has(about));
  return {
    value,
    isRestored,
    change: (next) => {
      drafts.set(about, next);
      setValue(next);
    },
    forget: () => {
      drafts.delete(about);
      setRestored(false);
    },
    beginAnew: () => {
      drafts.delete(about);
      setValue(begin());
      setRestored(false);
    },
  };
}
