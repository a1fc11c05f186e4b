import { expect, it } from "vitest";
import type { ImportParameters } from "../../../src/domain/delegation.ts";
import { createDelegateImport, type DelegateImportDeps } from "../../../src/functions/activities/delegate-import.ts";
import { aRecord } from "../../helpers/import-records.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const signal = new AbortController().signal;

async function unexpected(): Promise<never> {
  throw new Error("nobody is asked for this");
}

type Client = ReturnType<typeof createTestClient>;
type Access = NonNullable<Parameters<Client["repository"]>[1]>;

const nowhere = "127.0.0.1:1"; // the registry is out of reach: only ACR could tell

/** The step, for a source that is read from `nowhere`; whatever else is asked of it is in `deps`. */
function createActivity(client: Client, access: Access, deps: Partial<DelegateImportDeps> = {}) {
  return createDelegateImport({
    imports: { replace: unexpected, update: unexpected },
    parts: { insertPlanned: unexpected, listManifests: unexpected },
    repositories: {
      ofImport: async () => ({
        source: client.repository(nowhere, access),
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
    now: client.clock.now,
    ...deps,
  });
}

it("does not show ACR a token that has expired, but asks for a fresh one", async () => {
  await using client = createTestClient({ limits: { attempts: 1 } });
  const credentials = { kind: "identityToken", token: "t", endsAt: client.clock.now() } as const;
  const activity = createActivity(client, { credentials });
  const record = aRecord({ sourceRegistry: nowhere, hasCredentials: true });
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };

  const thrown = await thrownBy(() =>
    activity.work(
      { v: 1, importId: record.id, attempt: 1, round: 1 },
      { row: { record, etag: "1" }, budget, signal, onCut: () => {} },
    ),
  );

  expect(thrown).toMatchObject({ code: "CREDENTIALS_REQUIRED", side: "source", registry: nowhere, retryable: false });
});

it("tells ACR the host whose credentials it gets, where the source is read from a mirror", async () => {
  await using client = createTestClient({ limits: { attempts: 1 } });
  const credentials = { kind: "password", username: "mirror", password: "m" } as const;
  const asked: ImportParameters["source"][] = [];
  const record = aRecord({ sourceRegistry: "upstream.example" });
  const activity = createActivity(
    client,
    { credentials },
    {
      imports: { replace: async (stored) => stored, update: unexpected },
      arm: {
        startImport: async (_, { source }) => {
          asked.push(source);
          return { kind: "lost" };
        },
        readOperation: unexpected,
      },
      findRegistries: {
        targetId: async () => ({ subscription: "s", group: "g", name: "n" }),
        sourceId: async () => undefined,
      },
    },
  );
  const budget = { endsAt: Number.POSITIVE_INFINITY, stopping: signal };

  await activity.work(
    { v: 1, importId: record.id, attempt: 1, round: 1 },
    { row: { record, etag: "1" }, budget, signal, onCut: () => {} },
  );

  expect(asked).toMatchObject([{ registryUri: nowhere, credentials: { username: "mirror", password: "m" } }]);
});
