import { useState } from "preact/hooks";
import { useClipboard } from "./use-clipboard.ts";

const shownDigestChars = 12; // enough to tell it from others

/** A digest, cut until somebody asks for it, by pointer, finger or key: then all of it, and copied. */
export function CopyableDigest({ digest }: { readonly digest: string }) {
  const [isWhole, setWhole] = useState(false);
  const { result, copy } = useClipboard();
  return (
    <span class="digest">
      {isWhole ? <code>{digest}</code> : <ShortDigest digest={digest} />}{" "}
      <button
        type="button"
        class="small"
        aria-label={`Copy ${digest}`}
        onClick={() => {
          setWhole(true);
          copy(digest);
        }}
      >
        Copy
      </button>{" "}
      <span role="status">{result}</span>
    </span>
  );
}

/** The beginning of a digest; all of it on hover. */
export function ShortDigest({ digest }: { readonly digest: string }) {
  const [algorithm = "", hash = ""] = digest.split(":");
  return (
    <code class="digest" title={digest}>
      {algorithm}:{hash.slice(0, shownDigestChars)}…
    </code>
  );
}
