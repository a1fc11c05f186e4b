import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface FoldedFieldsProps {
  /** One of them is at fault: it must be seen, and be there to take the focus. */
  readonly isFaulty: boolean;
  readonly children: ComponentChildren;
}

/** The rarer fields of a form, folded away. What a fault has opened stays open while the field is mended. */
export function FoldedFields({ isFaulty, children }: FoldedFieldsProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details open={isOpen || isFaulty} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>More</summary>
      {children}
    </details>
  );
}
