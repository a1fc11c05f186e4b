import type { ImportErrorWire } from "../../errors.ts";
import { withoutHint } from "../error-text.ts";
import { formatHash } from "../routing.ts";
import { Cure } from "./cure.tsx";
import { Facts } from "./facts.tsx";

/** An error as a record holds it: what happened, where, and what to do about it. */
export function ErrorCard({ error }: { readonly error: ImportErrorWire }) {
  const { code, hint, side, registry, stage, httpStatus, digest, upstream = [], correlationId } = error;
  return (
    <section class="card bad" aria-labelledby="error-title">
      <h2 id="error-title">
        Failed: <code>{code}</code>
      </h2>
      <p class="message">{withoutHint(error)}</p>
      {hint !== undefined && (
        <p>
          <strong>What to do:</strong> {hint}
        </p>
      )}
      {error.retryable && <p>It may pass by itself: a retry can succeed without any change.</p>}
      <details open={hint === undefined}>
        <summary>About {code}</summary>
        <Cure code={code} />
        <p>
          <a href={formatHash("errors", code)}>{code} among all errors</a>
        </p>
      </details>
      <Facts
        facts={[
          ["Side", side],
          ["Registry", registry],
          ["Stage", stage],
          ["Status of the registry", httpStatus],
          ["Digest", digest],
          ["Correlation id", correlationId],
        ]}
      />
      {upstream.length > 0 && (
        <>
          <h3>What the registry said</h3>
          <ul>
            {upstream.map((one) => (
              <li key={`${one.code} ${one.message}`}>
                <code>{one.code}</code> <bdi>{one.message}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
