import type { ComponentChildren } from "preact";

export interface EmptyProps {
  /** e.g. `No rule yet.` */
  readonly title: string;
  /** What it would be, and how it comes. */
  readonly children: ComponentChildren;
}

/** Stands where a list has nothing yet. */
export function Empty({ title, children }: EmptyProps) {
  return (
    <div class="card empty">
      <p>
        <strong>{title}</strong>
      </p>
      <p>{children}</p>
    </div>
  );
}
