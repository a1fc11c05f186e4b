import type { Selection } from "../../domain/promotion-request-schema.ts";
import { formatDuration } from "../../domain/quantities.ts";
import { Facts } from "../parts/facts.tsx";
import { strategyNames, verifyNames } from "./import-fields.tsx";

/** What a rule or schedule says that its form has no field for; nothing where it says no more than the defaults. */
export function KeptSettings({ stored }: { readonly stored: Selection | undefined }) {
  if (stored === undefined) return null;
  const {
    labels = {},
    verify = "manifest",
    strategy = "auto",
    timeoutSeconds,
    foreignLayers,
    referrers,
    source,
  } = stored;
  const lines = Object.entries(labels).map(([key, value]) => `${key} = ${value}`);
  const facts = [
    ["Labels", lines.length === 0 ? undefined : <Lines key="labels" lines={lines} />],
    ["Read back at the target", verify === "manifest" ? undefined : verifyNames[verify]],
    ["Who copies", strategy === "auto" ? undefined : strategyNames[strategy]],
    ["Time limit", timeoutSeconds === undefined ? undefined : formatDuration(timeoutSeconds)],
    ["Foreign layers", foreignLayers === "skip" ? "left out" : undefined],
    ["Types of what is brought along", typeof referrers === "object" ? referrers.artifactTypes?.join(", ") : undefined],
    ["Digests of tags", source.tags.digest],
  ] as const;
  if (facts.every(([, value]) => value === undefined)) return null;
  return (
    <section class="card" aria-labelledby="kept-title">
      <h2 id="kept-title">Set through the API</h2>
      <p class="help">This form has no field for it, and keeps it as it is.</p>
      <Facts facts={facts} />
    </section>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <ul class="lines">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
