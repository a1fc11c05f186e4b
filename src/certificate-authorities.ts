import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type HostPattern, isWildcard } from "./domain/host-pattern.ts";
import type { RegistryEntry } from "./domain/registries.ts";

/** What the certificates of some hosts may be signed by, besides what Node.js trusts. */
export interface CertificateAuthority {
  readonly host: HostPattern;
  /** One certificate or more, as PEM. */
  readonly pem: string;
}

/** Reads the files that `caFile` names, once, at the start. A problem is a line that names the entry. */
export function readCertificateAuthorities(entries: readonly RegistryEntry[]): {
  readonly authorities: readonly CertificateAuthority[];
  readonly problems: readonly string[];
} {
  const authorities: CertificateAuthority[] = [];
  const problems: string[] = [];
  entries.forEach(({ host, caFile }, at) => {
    if (caFile === undefined) return;
    try {
      authorities.push({ host, pem: readCertificates(caFile) });
    } catch (thrown) {
      problems.push(`entry ${at + 1} (${host}): caFile ${caFile} ${reasonOf(thrown)}`);
    }
  });
  const suffixChars = ({ host }: CertificateAuthority) => (isWildcard(host) ? host.length : Number.POSITIVE_INFINITY);
  return { authorities: authorities.toSorted((a, b) => suffixChars(b) - suffixChars(a)), problems };
}

function readCertificates(path: string): string {
  const certificates =
    readFileSync(path, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw new Error("holds no certificate (PEM)");
  for (const certificate of certificates) new X509Certificate(certificate); // throws for what is none
  return `${certificates.join("\n")}\n`;
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "cannot be read";
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
  if (code === "ENOENT") return "is not there";
  if (code.startsWith("ERR_OSSL")) return "holds what is no certificate";
  return code === "" ? thrown.message : `cannot be read (${code})`;
}
