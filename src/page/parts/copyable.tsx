import { useState } from "preact/hooks";

export interface CopyableProps {
  readonly label: string;
  readonly text: string;
}

/** A command to read and to copy. */
export function Copyable({ label, text }: CopyableProps) {
  const [result, setResult] = useState("");
  const copy = () => {
    const done = () => setResult("Copied");
    const failed = () => setResult("The browser does not let the page copy: select the text");
    navigator.clipboard?.writeText(text).then(done, failed) ?? failed();
  };
  return (
    <div class="copyable">
      <p>
        <span>{label}</span>
        <button type="button" onClick={copy} aria-label={`Copy ${label}`}>
          Copy
        </button>
        <span role="status">{result}</span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, by keyboard, too */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}
