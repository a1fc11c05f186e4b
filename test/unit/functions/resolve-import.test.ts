import { expect, it } from "vitest";
import { createResolveImport } from "../../../src/functions/activities/resolve-import.ts";
import type { StoredImport } from "../../../src/store/imports.ts";
import { aDigest, aRecord } from "../../helpers/import-records.ts";
import { createTestClient } from "../../helpers/registry-client.ts";

const signal = new AbortController().signal;
const hourMs = 3_600_000;

/** The warnings of an import that may take a day, when its credentials end so many hours from its start. */
async function warningsWhen(hoursToEnd: number | undefined): Promise<readonly string[]> {
  await using client = createTestClient();
  const { now } = client.clock;
  const deadlineAt = new Date(now().getTime() + 24 * hourMs).toISOString();
  let row: StoredImport = { record: aRecord({ hasCredentials: true, deadlineAt }), etag: "1" };
  const unneeded = async () => undefined;
  const unused = async () => {
    throw new Error("nothing is left to ACR");
  };
  const activity = createResolveImport({
    imports: {
      replace: async (changed) => {
        row = changed;
        return row;
      },
      update: unused,
    },
    parts: { insertPlanned: unneeded, keepManifests: unneeded, readKept: async () => new Map() },
    repositories: {
      toResolve: async () => ({
        source: client.repository("source.example"),
        targets: [],
        credentialsEndAt: hoursToEnd === undefined ? undefined : new Date(now().getTime() + hoursToEnd * hourMs),
      }),
    },
    locateSource: async (spec) => ({ spec, warnings: [] }),
    leaveToAcr: {
      asRequested: unused,
      instead: async (thrown) => {
        throw thrown;
      },
    },
    resolve: async ({ onPinned }) => {
      const source = { digest: aDigest("image"), mediaType: "application/vnd.oci.image.manifest.v1+json" };
      await onPinned(source);
      return {
        ...{ source, targetDigest: source.digest, parts: [], warnings: ["of the image"] },
        plan: { v: 1, kind: "copy", units: [], large: [], levels: [] },
      };
    },
    needsCheckpoints: () => false,
    now,
  });
  const { id: importId, attempt } = row.record;
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };
  await activity.work({ v: 1, importId, attempt }, { row, budget, signal, onCut: () => {} });
  return row.record.warnings;
}

it("warns in the record that the source's token ends within half an hour, before the import must have ended", async () => {
  expect(await warningsWhen(0.25)).toEqual([
    expect.stringContaining("token ends at 2026-11-24T12:15:00.000Z, before the import's time limit"),
    "of the image",
  ]);
});

it.each([0.5, 3, 48, undefined])(
  "warns of no token that lasts as long as most imports take: %s hours",
  async (hours) => {
    expect(await warningsWhen(hours)).toEqual(["of the image"]);
  },
);
