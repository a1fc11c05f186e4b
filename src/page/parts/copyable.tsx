import { useClipboard } from "./use-clipboard.ts";

export interface CopyableProps {
  readonly label: string;
  readonly text: string;
}

/** A command to read and to copy. */
export function Copyable({ label, text }: CopyableProps) {
  const { result, copy } = useClipboard();
  return (
    <div class="copyable">
      <p>
        <span>{label}</span>
        <button type="button" onClick={() => copy(text)} aria-label={`Copy ${label}`}>
          Copy
        </button>
        <span role="status">{result}</span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, by keyboard, too */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
