import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface FoldedFieldsProps {
  /** One of them is at fault: it must be seen, and be there to take the focus. */
  readonly isFaulty: boolean;
  /** How many of them say something else than they do by default. */
  readonly setCount: number;
  readonly children: ComponentChildren;
}

/**
 * The rarer fields of a form, folded away unless one of them counts already. What a fault has opened stays open while the
 * field is mended.
 */
export function FoldedFields({ isFaulty, setCount, children }: FoldedFieldsProps) {
  const [isOpen, setOpen] = useState(setCount > 0);
  return (
    <details
      open={isOpen || isFaulty}
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
      onInvalidCapture={({ currentTarget }) => {
        currentTarget.open = true; // at once: the browser focuses and explains only what can be seen
      }}
    >
      <summary>
        <span>More</span>
        {setCount > 0 && <span class="help"> {setCount} set</span>}
      </summary>
      {children}
    </details>
  );
}
