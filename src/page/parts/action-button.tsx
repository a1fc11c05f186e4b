import type { ComponentChildren } from "preact";

export interface ActionButtonProps {
  readonly isBusy: boolean;
  readonly type?: "button" | "submit";
  readonly class?: string | undefined;
  readonly label?: string;
  readonly title?: string;
  readonly onClick?: () => void;
  readonly children: ComponentChildren;
}

/** A button that does nothing while it is busy, and keeps the focus meanwhile: a disabled one would lose it. */
export function ActionButton({ isBusy, type = "button", label, title, onClick, children, ...rest }: ActionButtonProps) {
  return (
    <button
      type={type}
      class={rest.class}
      title={title}
      aria-label={label}
      aria-disabled={isBusy}
      onClick={(event) => {
        if (isBusy)
          event.preventDefault(); // of a form, too
        else onClick?.();
      }}
    >
      {children}
    </button>
  );
}
