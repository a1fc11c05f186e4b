import { expect, it } from "vitest";
import { createDelegateImport } from "../../../src/functions/activities/delegate-import.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const signal = new AbortController().signal;

async function unexpected(): Promise<never> {
  throw new Error("nobody is asked for this");
}

it("does not show ACR a token that has expired, but asks for a fresh one", async () => {
  await using client = createTestClient({ limits: { attempts: 1 } });
  const { now } = client.clock;
  const credentials = { kind: "identityToken", token: "t", endsAt: now() } as const;
  const nowhere = "127.0.0.1:1"; // the registry is out of reach: only ACR could tell
  const activity = createDelegateImport({
    imports: { replace: unexpected, update: unexpected },
    parts: { insertPlanned: unexpected, listManifests: unexpected },
    repositories: {
      ofImport: async () => ({
        source: client.repository(nowhere, { credentials }),
        targets: [client.repository(nowhere, { side: "target" })],
      }),
      refreshToken: unexpected,
    },
    arm: { startImport: unexpected, readOperation: unexpected },
    findRegistries: {
      targetId: async () => ({ subscription: "s", group: "g", name: "n" }),
      sourceId: unexpected,
    },
    verify: unexpected,
    sealUrl: () => "",
    openUrl: () => undefined,
    now,
  });
  const record = aRecord({ sourceRegistry: nowhere, hasCredentials: true });
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };

  const thrown = await thrownBy(() =>
    activity.work({ v: 1, importId: record.id, attempt: 1, round: 1 }, { row: { record, etag: "1" }, budget, signal }),
  );

  expect(thrown).toMatchObject({ code: "CREDENTIALS_REQUIRED", side: "source", registry: nowhere, retryable: false });
});
