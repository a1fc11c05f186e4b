import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { MiB } from "../../src/descriptor.ts";
import type { Digest } from "../../src/digest.ts";
import type { ErrorCode, Side } from "../../src/errors.ts";
import { startAzurite, uniquePrefix } from "../helpers/azurite.ts";
import type { Fault } from "../helpers/faults.ts";
import { image, type TestImage } from "../helpers/images.ts";
import { startRegistry, type TestRegistry } from "../helpers/registry.ts";
import { type Service, settingsFor, startService } from "../helpers/service.ts";
import { expectImage } from "./world.ts";

/** Sources and targets. A target that teaches the service a limit, or has a profile, is one of its own. */
const registryNames = ["plain", "secured", "target", "bodyLimit", "noChunks", "ghcr", "ecr", "gar"] as const;
type RegistryName = (typeof registryNames)[number];
type ServiceName = "whole" | "chunked";

/** One row's image and where it goes. */
export interface Place {
  readonly repository: string;
  readonly pushed: TestImage;
  /** The largest layer. */
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** The same with the registries of the row. */
export interface Seen extends Place {
  readonly source: TestRegistry;
  readonly target: TestRegistry;
}

/** One deviation, and what an import makes of it. */
export interface Row {
  readonly name: string;
  readonly faults: (place: Place) => readonly Fault[];
  /** Default "plain" as a source, "target" as a target. */
  readonly registry?: RegistryName;
  /** Default "whole": blobs go as one PUT. */
  readonly service?: ServiceName;
  readonly layers?: readonly number[];
  readonly request?: (seen: Seen) => Readonly<Record<string, unknown>>;
  /** What is there before. */
  readonly before?: (seen: Seen) => Promise<unknown>;
  /** What else is seen in the registries. */
  readonly also?: (seen: Seen) => void | Promise<void>;
  /** Tags at the target after a failure. Default none. */
  readonly tags?: (place: Place) => Readonly<Record<string, Digest>>;
  /** Absent: the import succeeds. */
  readonly code?: ErrorCode;
}

/** Registries that deviate by the row, and services that import between them. */
export interface FaultWorld extends AsyncDisposable {
  /** Imports an image while one side deviates, and checks how that ends. */
  readonly importUnder: (row: Row, side: Side) => Promise<void>;
}

const users = { puller: "right" };

/** Two services, one of which sends large blobs in chunks, between the same registries. */
export async function openFaultWorld(): Promise<FaultWorld> {
  await using cleanup = new AsyncDisposableStack(); // of what was begun, when the rest does not come up
  const { connectionString } = cleanup.use(await startAzurite());
  const registries = new Map<RegistryName, TestRegistry>();
  for (const name of registryNames) {
    const auth = name === "secured" ? { auth: { kind: "bearer", users, anonymous: "pull" } as const } : {};
    registries.set(name, cleanup.use(await startRegistry(auth)));
  }
  const services = new Map<ServiceName, Service>();
  for (const name of ["whole", "chunked"] as const) {
    const directory = await mkdtemp(join(tmpdir(), "faults-"));
    cleanup.defer(() => rm(directory, { recursive: true, force: true }));
    const settings = settingsOf(registries, name);
    services.set(name, cleanup.use(await startService({ directory, storage: connectionString, settings })));
  }
  const opened = cleanup.move();
  let rows = 0;
  return {
    importUnder: async (row, side) => {
      rows += 1;
      const place = placeOf(row, `fault/row-${rows}`);
      const source = named(registries, side === "source" ? (row.registry ?? "plain") : "plain");
      const target = named(registries, side === "target" ? (row.registry ?? "target") : "target");
      const seen = { ...place, source, target };
      const faulty = side === "source" ? source : target;
      await source.seedImage(place.repository, "1", place.pushed);
      await row.before?.(seen);
      faulty.setFaults(row.faults(place));

      const view = await named(services, row.service ?? "whole").importAndWait({
        source: `${source.host}/${place.repository}:1`,
        target: target.host,
        ...row.request?.(seen),
      });
      faulty.setFaults([]);

      if (row.code === undefined) {
        expect(view).toMatchObject({ state: "Succeeded", target: { digest: place.pushed.root.digest } });
        await expectImage(target, place.repository, place.pushed, "1");
      } else {
        const error = { code: row.code, side, registry: faulty.host, retryable: false };
        expect(view).toMatchObject({ state: "Failed", error });
        expect(target.tags(place.repository)).toEqual(row.tags?.(place) ?? {});
      }
      const isOwn = ({ repository = "" }) => repository.startsWith(place.repository);
      const downloads = () => source.requests.filter((one) => one.kind === "blob-get" && !one.isOver && isOwn(one));
      await expect.poll(downloads).toEqual([]);
      expect(target.openSessions().filter(isOwn)).toEqual([]);
      await row.also?.(seen);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function settingsOf(registries: ReadonlyMap<RegistryName, TestRegistry>, service: ServiceName) {
  const hosts = [...registries.values()].flatMap(({ host, storageHost }) => [host, storageHost]).join(",");
  const profiles = (["ghcr", "ecr", "gar"] as const).map((profile) => ({
    host: named(registries, profile).host,
    auth: { kind: "anonymous" },
    profile,
  }));
  const { DEFAULT_TARGET: _, ...settings } = settingsFor(
    { source: hosts, target: hosts },
    {
      TABLE_PREFIX: uniquePrefix(),
      SECRETS_KEY: randomBytes(32).toString("base64"),
      REGISTRIES: JSON.stringify(profiles),
      ...(service === "chunked" ? { LARGE_BLOB_BYTES: String(MiB) } : {}),
    },
  );
  return settings;
}

function placeOf({ layers = [3_000_000, 20_000, 900] }: Row, repository: string): Place {
  const pushed = image({ layers, seed: repository });
  const large = pushed.blobs.reduce((a, b) => (a.descriptor.size > b.descriptor.size ? a : b)).descriptor;
  return { repository, pushed, digest: large.digest, sizeBytes: large.size };
}

function named<K, V>(all: ReadonlyMap<K, V>, name: K): V {
  const found = all.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
