import { z } from "zod";
import { definedOnly } from "../errors.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";

/** What the processes of an app tell each other about a registry. */
export interface HostFacts {
  /** No request goes there before; past or absent: none waits. */
  readonly pausedUntil?: Date;
  /** Why, e.g. `429`. */
  readonly reason?: string;
  /** A larger PUT is answered 413. */
  readonly maxPutBytes?: number;
}

/** Freshness is judged by this process's clock. */
export interface HostsDeps {
  readonly now: () => Date;
}

/** Table `Hosts`: one row per registry. Each process reads a row every 5 s at most, however often it asks. */
export interface Hosts {
  readonly read: (registry: string) => Promise<HostFacts>;
  /** A pause is only ever prolonged. */
  readonly pause: (registry: string, until: Date, reason: string) => Promise<void>;
  readonly learn: (registry: string, facts: Pick<HostFacts, "maxPutBytes">) => Promise<void>;
}

const freshMs = 5_000;
const maxTries = 8;

/** Opens table `Hosts`. */
export function createHosts(access: TableAccess, { now }: HostsDeps): Hosts {
  const table = access.table("Hosts");
  const cache = new Map<string, { readonly readAtMs: number; readonly facts: Promise<HostFacts> }>();

  const remember = (registry: string, facts: Promise<HostFacts>): Promise<HostFacts> => {
    const entry = { readAtMs: now().getTime(), facts };
    cache.set(registry, entry);
    facts.catch(() => {
      if (cache.get(registry) === entry) cache.delete(registry); // the next one who asks tries again
    });
    return facts;
  };

  /** Creates or changes the row; `change` may find nothing to do. */
  async function write(registry: string, change: (facts: HostFacts) => HostFacts | undefined): Promise<void> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const stored = await table.read(keysOf(registry));
      const before = stored ? hostRow.decode(stored.row) : {};
      const facts = change(before);
      if (facts === undefined) {
        await remember(registry, Promise.resolve(before));
        return;
      }
      const row = hostRow.encode(registry, facts);
      const written = await (stored ? table.replace(row, stored.etag) : table.insert(row));
      if (typeof written === "string") continue; // somebody else was faster
      await remember(registry, Promise.resolve(facts));
      return;
    }
    throw contended(table.name);
  }

  return {
    read: (registry) => {
      const known = cache.get(registry);
      if (known && now().getTime() - known.readAtMs < freshMs) return known.facts;
      const read = async () => {
        const stored = await table.read(keysOf(registry));
        return stored ? hostRow.decode(stored.row) : {};
      };
      return remember(registry, read());
    },
    pause: (registry, until, reason) =>
      write(registry, (facts) =>
        facts.pausedUntil && facts.pausedUntil >= until ? undefined : { ...facts, pausedUntil: until, reason },
      ),
    learn: (registry, { maxPutBytes }) =>
      write(registry, (facts) =>
        maxPutBytes === undefined || facts.maxPutBytes === maxPutBytes ? undefined : { ...facts, maxPutBytes },
      ),
  };
}

const rowSchema = z.object({
  v: z.literal(1),
  pausedUntil: z.iso.datetime().optional(),
  reason: z.string().optional(),
  maxPutBytes: z.bigint().optional(),
});

/** Times as ISO text, absent facts as absent columns. */
export const hostRow = {
  encode: (registry: string, { pausedUntil, reason, maxPutBytes }: HostFacts): Row => ({
    ...keysOf(registry),
    v: 1,
    ...definedOnly({
      pausedUntil: pausedUntil?.toISOString(),
      reason,
      maxPutBytes: maxPutBytes === undefined ? undefined : BigInt(maxPutBytes),
    }),
  }),
  decode: (row: unknown): HostFacts => {
    const { pausedUntil, reason, maxPutBytes } = rowSchema.parse(row);
    return definedOnly({
      pausedUntil: pausedUntil === undefined ? undefined : new Date(pausedUntil),
      reason,
      maxPutBytes: maxPutBytes === undefined ? undefined : Number(maxPutBytes),
    });
  },
};

function keysOf(registry: string): RowKeys {
  return { partitionKey: registry, rowKey: "host" };
}
