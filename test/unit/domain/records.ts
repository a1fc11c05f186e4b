import { digestOf } from "../../../src/digest.ts";
import { createImportId } from "../../../src/domain/import-id.ts";
import type { ImportRecord } from "../../../src/domain/import-record.ts";
import type { ImportSpec } from "../../../src/domain/import-spec.ts";

export const t0 = new Date("2026-03-01T10:00:00.000Z");

export const laterBy = (seconds: number): Date => new Date(t0.getTime() + seconds * 1_000);

export const digestNamed = (name: string) => digestOf(new TextEncoder().encode(name));

export const aSpec = (change: Partial<ImportSpec> = {}): ImportSpec => ({
  v: 1,
  source: { registry: "docker.io", repository: "library/alpine", tag: "3.20" },
  target: {
    registry: "prod.azurecr.io",
    tags: [{ repository: "alpine", tag: "3.20" }],
    untaggedRepositories: ["mirror/alpine"],
  },
  conflict: "fail",
  sparseIndex: false,
  foreignLayers: "auto",
  verify: "manifest",
  timeoutSeconds: 60,
  labels: {},
  ...change,
});

export const aRecord = (change: Partial<ImportRecord> = {}): ImportRecord => ({
  v: 1,
  id: createImportId(t0, "one"),
  state: "Accepted",
  trigger: { kind: "http" },
  spec: aSpec(),
  hasCredentials: false,
  attempt: 1,
  createdAt: t0.toISOString(),
  deadlineAt: laterBy(60).toISOString(),
  warnings: [],
  ...change,
});
