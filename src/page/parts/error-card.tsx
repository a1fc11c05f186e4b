import type { ImportErrorWire } from "../../errors.ts";
import { formatHash } from "../routing.ts";
import { Facts } from "./facts.tsx";

/** An error as a record holds it: what happened, where, and what to do about it. */
export function ErrorCard({ error }: { readonly error: ImportErrorWire }) {
  const { code, message, hint, side, registry, stage, httpStatus, digest, upstream = [], correlationId } = error;
  return (
    <section class="card bad" aria-labelledby="error-title">
      <h2 id="error-title">
        Failed: <code>{code}</code>
      </h2>
      <p class="message">{message}</p>
      {hint !== undefined && (
        <p>
          <strong>What to do:</strong> {hint}
        </p>
      )}
      <p>
        <a href={formatHash("errors", code)}>Cause and cure of {code}</a>
        {error.retryable && " · may pass by itself: a retry can succeed without any change"}
      </p>
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
                <code>{one.code}</code> {one.message}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
