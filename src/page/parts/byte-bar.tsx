import type { Progress } from "../../domain/import-plan.ts";
import { formatBytes } from "../../domain/quantities.ts";

const ways = ["copied", "mounted", "skipped"] as const;

/** How far the bytes of an import are, by how they came to be at the target. */
export function ByteBar({ progress, label }: { readonly progress: Progress; readonly label: string }) {
  const { bytes } = progress;
  const percent = percentOf(progress);
  return (
    <span
      class="byte-bar"
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      {ways.map((way) => (
        <span
          key={way}
          class={`fill ${way}`}
          title={`${formatBytes(bytes[way])} ${way}`}
          style={{ width: `${bytes.total === 0 ? 0 : (bytes[way] / bytes.total) * 100}%` }}
        />
      ))}
    </span>
  );
}

/** Whole percents; 100 only when nothing is left. An import without blobs is as far as its manifests. */
export function percentOf({ bytes, manifests }: Progress): number {
  const there = bytes.copied + bytes.mounted + bytes.skipped;
  const fraction = bytes.total > 0 ? there / bytes.total : manifests.total > 0 ? manifests.done / manifests.total : 0;
  return Math.floor(Math.min(1, fraction) * 100);
}
