import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QueueClient } from "@azure/storage-queue";
import { expect } from "vitest";
import { z } from "zod";
import { formatQueueName } from "../../src/domain/queue-names.ts";
import { createTableAccess } from "../../src/store/storage-client.ts";
import { type Azurite, uniquePrefix } from "../helpers/azurite.ts";
import type { TestImage } from "../helpers/images.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { type StorageGate, startStorageGate } from "./storage-gate.ts";

export interface WorldOptions {
  readonly source?: TestRegistryOptions;
  readonly target?: TestRegistryOptions;
  /** Profile of the target, as the setting REGISTRIES names it. */
  readonly targetProfile?: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Others on this machine that the service talks to: receivers of events. */
  readonly moreHosts?: readonly string[];
}

/** Two registries and tables of its own, which outlive the service that a test kills. */
export interface World extends AsyncDisposable {
  readonly source: TestRegistry;
  readonly target: TestRegistry;
  /** Between the service and its tables. */
  readonly gate: StorageGate;
  readonly directory: string;
  /** A process on the same state as the ones before it. */
  readonly start: (changed?: Readonly<Record<string, string>>) => Promise<Service>;
  /** One of the service's queues, as those who send to it see it. */
  readonly queue: (name: "imports" | "imports-poison" | "imports-poison-poison") => QueueClient;
  /** All rows of a table, past the gate. */
  readonly rows: (table: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Makes the rows of unfinished imports (or the marks of promotions) look so old, since the sweep leaves alone what has begun just now. */
  readonly ageOpenRows: (seconds: number, table?: "Open" | "Promotions") => Promise<void>;
}

const keysSchema = z.looseObject({ partitionKey: z.string(), rowKey: z.string() });

/** Opens a world on an Azurite that may serve several of them at once. */
export async function openWorld(
  { connectionString }: Pick<Azurite, "connectionString">,
  options: WorldOptions = {},
): Promise<World> {
  const cleanup = new AsyncDisposableStack();
  const tablePrefix = uniquePrefix();
  const [source, target] = await Promise.all([startRegistry(options.source), startRegistry(options.target)]);
  const gate = await startStorageGate(connectionString, tablePrefix);
  const directory = await mkdtemp(join(tmpdir(), "world-"));
  const access = createTableAccess({ storage: { connectionString }, tablePrefix });
  cleanup.defer(() => rm(directory, { recursive: true, force: true }));
  cleanup.use(source);
  cleanup.use(target);
  cleanup.use(gate);
  cleanup.defer(() => access.close());
  const auth = { kind: "anonymous" };
  const profiles = options.targetProfile && [{ host: target.host, auth, profile: options.targetProfile }];
  const own = [source.host, target.host, source.tokenHost, target.tokenHost];
  const hosts = [...new Set([...own, ...(options.moreHosts ?? [])])].join(",");
  const settings = settingsFor(
    { source: source.host, target: target.host },
    {
      ...{ INSECURE_HOSTS: hosts, ALLOW_PRIVATE_HOSTS: hosts },
      TABLE_PREFIX: tablePrefix,
      ...(profiles ? { REGISTRIES: JSON.stringify(profiles) } : {}),
      ...options.settings,
    },
  );

  const rows: World["rows"] = async (table) => {
    const all: Readonly<Record<string, unknown>>[] = [];
    for await (const { row } of access.table(table).query({ filter: "" })) all.push(row);
    return all;
  };
  return {
    source,
    target,
    gate,
    directory,
    queue: (name) => new QueueClient(connectionString, formatQueueName(tablePrefix, name)),
    rows,
    start: async (changed = {}) => {
      const own = { ...settings, ...changed };
      const service = await startService({ directory, storage: gate.connectionString, settings: own });
      cleanup.use(service);
      return service;
    },
    ageOpenRows: async (seconds, table = "Open") => {
      const createdAt = new Date(Date.now() - seconds * 1_000).toISOString();
      for (const row of await rows(table)) {
        const { partitionKey, rowKey } = keysSchema.parse(row);
        if (table === "Open" || partitionKey === "open")
          await access.table(table).merge({ partitionKey, rowKey, createdAt });
      }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** Every manifest of the image byte for byte, every blob with the bytes of its digest, and the tag. */
export async function expectImage(
  registry: TestRegistry,
  repository: string,
  image: TestImage,
  tag: string | undefined,
): Promise<void> {
  for (const { digest, bytes } of image.manifests) {
    const held = await registry.readManifest(repository, digest);
    expect(held && Buffer.from(held.bytes).equals(bytes), `manifest ${digest}`).toBe(true);
  }
  for (const { descriptor } of image.blobs)
    expect(await registry.holdsBlob(descriptor.digest, repository), `blob ${descriptor.digest}`).toBe(true);
  if (tag !== undefined) expect(registry.tags(repository)[tag]).toBe(image.root.digest);
}
