import type { ImportId } from "./import-id.ts";
import type { ImportRecord } from "./import-record.ts";

/** Where the credentials of one attempt of an import are sealed. */
export interface SecretRow {
  readonly importId: ImportId;
  readonly name: string;
}

/** Of the request that an import began with: always the same, so that a repeat of it finds what is there. */
export function firstSecretRow(importId: ImportId): SecretRow {
  return { importId, name: firstName };
}

/**
 * Of a retry that brings credentials: its own, so that of two retries at a time neither takes the other's, and none is
 * deleted by the end of the attempt before. `nonce`: hexadecimal.
 */
export function retrySecretName(attempt: number, nonce: string): string {
  return `${firstName}-${attempt}-${nonce}`;
}

/** Where the credentials of a record are; undefined: it has none of its own. */
export function secretRowOf({ id, hasCredentials, secretName }: ImportRecord): SecretRow | undefined {
  return hasCredentials ? { importId: id, name: secretName ?? firstName } : undefined;
}

/** The attempt that a row is for. */
export function attemptOfSecret(name: string): number {
  return Number(/^source-(\d+)-/.exec(name)?.[1] ?? 1);
}

const firstName = "source";
