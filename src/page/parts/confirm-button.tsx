import { useEffect, useRef, useState } from "preact/hooks";
import { ActionButton } from "./action-button.tsx";

export interface ConfirmButtonProps {
  readonly label: string;
  /** What it means, e.g. `What it copied stays.` */
  readonly question: string;
  readonly isBusy: boolean;
  readonly onConfirm: () => void;
}

/** A button for what cannot be taken back: it asks first, where it stands. */
export function ConfirmButton({ label, question, isBusy, onConfirm }: ConfirmButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLSpanElement>(null);
  const wasAsking = useRef(false);
  useEffect(() => {
    if (isAsking)
      keep.current?.focus(); // a second Enter must not confirm
    else if (wasAsking.current) opener.current?.querySelector("button")?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (!isAsking) {
    return (
      <span ref={opener}>
        <ActionButton isBusy={isBusy} onClick={() => setAsking(true)}>
          {label}
        </ActionButton>
      </span>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <span class="confirm" role="group" aria-label={label}>
      <span>{question}</span>
      <ActionButton
        class="danger"
        isBusy={isBusy}
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {label} it
      </ActionButton>
      <button ref={keep} type="button" onClick={() => setAsking(false)}>
        Keep it
      </button>
    </span>
  );
}
