import { randomBytes } from "node:crypto";
import { type Digest, digestOf } from "../../src/digest.ts";
import { createImportId, type ImportId } from "../../src/domain/import-id.ts";
import { type ImportRecord, importRecordSchema } from "../../src/domain/import-record.ts";

/** An id that no other test has, of an import that was caused at `causedAt`. */
export function anImportId(causedAt = new Date("2026-03-01T12:00:00.000Z")): ImportId {
  return createImportId(causedAt, randomBytes(16));
}

/** The digest of some content that only `name` stands for. */
export function aDigest(name: string): Digest {
  return digestOf(Buffer.from(name));
}

export interface RecordChanges extends Partial<Omit<ImportRecord, "spec">> {
  readonly source?: ImportRecord["source"];
  readonly sourceRegistry?: string;
  readonly targetRegistry?: string;
}

/** A record as accept writes it; only what matters to a test is given. */
export function aRecord({
  sourceRegistry = "docker.io",
  targetRegistry = "target.example",
  ...changes
}: RecordChanges = {}): ImportRecord {
  return importRecordSchema.parse({
    v: 1,
    id: anImportId(),
    state: "Accepted",
    trigger: { kind: "http" },
    spec: {
      v: 1,
      source: { registry: sourceRegistry, repository: "library/alpine", tag: "3.20" },
      target: { registry: targetRegistry, tags: [{ repository: "alpine", tag: "3.20" }], untaggedRepositories: [] },
      conflict: "fail",
      sparseIndex: false,
      foreignLayers: "auto",
      verify: "manifest",
      timeoutSeconds: 86_400,
      labels: {},
    },
    hasCredentials: false,
    attempt: 1,
    createdAt: "2026-03-01T12:00:00.000Z",
    deadlineAt: "2026-03-02T12:00:00.000Z",
    warnings: [],
    ...changes,
  });
}
