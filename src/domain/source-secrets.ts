import { ImportError } from "../errors.ts";
import { type HostPattern, matchesHost } from "./host-pattern.ts";
import type { ImportSpec } from "./import-spec.ts";

/** A secret of the key vault that requests may name, and where it may be shown. */
export interface SourceSecret {
  readonly name: string;
  readonly host: HostPattern;
}

/**
 * Throws INVALID_REQUEST for a secret that the operator does not let requests use at that source: whoever may start
 * imports could otherwise have any secret of the vault sent to a registry of his own.
 */
export function assertAllowedSecret(
  { source, sourceSecret }: Pick<ImportSpec, "source" | "sourceSecret">,
  allowed: readonly SourceSecret[],
): void {
  if (sourceSecret === undefined) return;
  const isAllowed = allowed.some(
    ({ name, host }) => name === sourceSecret.secret && matchesHost(host, source.registry),
  );
  if (isAllowed) return;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    side: "source",
    registry: source.registry,
    property: "source.credentials.secret",
    what: `the secret ${sourceSecret.secret} is not for this registry`,
    hint: `the operator can add ${sourceSecret.secret}@${source.registry} to SOURCE_SECRETS`,
  });
}
