import { z } from "zod";
import { definedOnly } from "../errors.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import { filterText, type Row, type RowKeys, type StoredRow } from "./table.ts";

/** A time in which requests of one kind are held back. */
export interface HostPause {
  /** Which requests: `all`, or a class and the hash of an account. */
  readonly key: string;
  readonly until: Date;
  /** Why, in words. */
  readonly reason: string;
}

/** What was found out about a registry. */
export interface HostFacts {
  /** A larger PUT is answered 413. */
  readonly maxPutBytes?: number;
  /** PATCH is refused. */
  readonly refusesChunks?: boolean;
  /** Name of the profile that its answers have shown. */
  readonly profile?: string;
}

/** What the processes of an app tell each other about a registry. */
export interface HostNotes {
  readonly pauses: readonly HostPause[];
  readonly facts: HostFacts;
}

/** Freshness is judged by this process's clock. */
export interface HostsDeps {
  readonly now: () => Date;
}

/** Table `Hosts`: a partition per registry. Each process reads it every 5 s at most, however often it asks. */
export interface Hosts {
  readonly read: (registry: string) => Promise<HostNotes>;
  /** A pause is only ever prolonged; one that cannot be is replaced. */
  readonly pause: (registry: string, pause: HostPause) => Promise<void>;
  /** Facts are kept for a week from the last one that was new: registries and what stands before them change. */
  readonly learn: (registry: string, facts: HostFacts) => Promise<void>;
}

const freshMs = 5_000;
const maxTries = 8;
/** No writer asks for so much: such a pause is of a clock that was wrong, and would last as long as its row. */
const incredibleMs = 24 * 3_600_000;
const factsLastMs = 7 * 24 * 3_600_000;

/** Opens table `Hosts`. */
export function createHosts(access: TableAccess, { now }: HostsDeps): Hosts {
  const table = access.table("Hosts");
  const cache = new Map<string, { readonly readAtMs: number; readonly notes: Promise<HostNotes> }>();

  /** Of a row that nobody can have meant, or that is old: nothing. It must not hide the others. */
  const decode = (stored: StoredRow): DecodedRow => {
    const [{ pause, facts, learnedAt } = nothing] = table.readable([stored], ({ row }) => hostRow.decode(row));
    const nowMs = now().getTime();
    const isCredible = pause !== undefined && pause.until.getTime() - nowMs < incredibleMs;
    const isFresh = learnedAt !== undefined && nowMs - learnedAt.getTime() < factsLastMs;
    return { facts: isFresh ? facts : {}, ...(isCredible && { pause }) };
  };

  async function readNotes(registry: string): Promise<HostNotes> {
    const pauses: HostPause[] = [];
    let facts: HostFacts = {};
    for await (const stored of table.query({ filter: `PartitionKey eq ${filterText(registry)}` })) {
      const { pause, facts: found } = decode(stored);
      if (pause !== undefined) pauses.push(pause);
      facts = { ...facts, ...found };
    }
    return { pauses, facts };
  }

  /** Creates or changes a row; `change` may find nothing to do. */
  async function write(keys: RowKeys, change: (stored: StoredRow | undefined) => Row | undefined): Promise<void> {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const stored = await table.read(keys);
      const row = change(stored);
      if (row === undefined) return;
      const written = await (stored ? table.replace(row, stored.etag) : table.insert(row));
      if (typeof written !== "string") return; // else somebody was faster
    }
    throw contended(table.name);
  }

  return {
    read: (registry) => {
      const known = cache.get(registry);
      const ageMs = known === undefined ? freshMs : now().getTime() - known.readAtMs;
      if (known && ageMs >= 0 && ageMs < freshMs) return known.notes; // negative: the clock was set back
      const entry = { readAtMs: now().getTime(), notes: readNotes(registry) };
      for (const [other, { readAtMs }] of cache) if (entry.readAtMs - readAtMs >= freshMs) cache.delete(other);
      cache.set(registry, entry);
      entry.notes.catch(() => {
        if (cache.get(registry) === entry) cache.delete(registry); // the next one who asks tries again
      });
      return entry.notes;
    },
    pause: (registry, pause) => {
      const row = hostRow.encodePause(registry, pause);
      return write(row, (stored) => {
        const before = stored === undefined ? undefined : decode(stored).pause;
        return before !== undefined && before.until >= pause.until ? undefined : row;
      });
    },
    learn: (registry, facts) =>
      write(factKeys(registry), (stored) => {
        const before = stored === undefined ? {} : decode(stored).facts;
        const after = { ...before, ...facts };
        return stored !== undefined && isSame(before, after) ? undefined : hostRow.encodeFacts(registry, after, now());
      }),
  };
}

const factsKey = "facts";
const pausePrefix = "pause|";

const rowSchema = z.object({
  v: z.literal(1),
  rowKey: z.string(),
  pausedUntil: z.iso.datetime().optional(),
  reason: z.string().optional(),
  maxPutBytes: z.bigint().optional(),
  refusesChunks: z.boolean().optional(),
  profile: z.string().optional(),
  learnedAt: z.iso.datetime().optional(),
});

interface DecodedRow {
  readonly pause?: HostPause;
  readonly facts: HostFacts;
  readonly learnedAt?: Date;
}
const nothing: DecodedRow = { facts: {} };

/** Times as ISO text, absent facts as absent columns. */
export const hostRow = {
  encodePause: (registry: string, { key, until, reason }: HostPause): Row => ({
    partitionKey: registry,
    rowKey: `${pausePrefix}${key}`,
    v: 1,
    pausedUntil: until.toISOString(),
    reason,
  }),
  encodeFacts: (registry: string, { maxPutBytes, refusesChunks, profile }: HostFacts, learnedAt: Date): Row => ({
    ...factKeys(registry),
    v: 1,
    learnedAt: learnedAt.toISOString(),
    ...definedOnly({
      maxPutBytes: maxPutBytes === undefined ? undefined : BigInt(maxPutBytes),
      refusesChunks,
      profile,
    }),
  }),
  decode: (stored: unknown): DecodedRow => {
    const row = rowSchema.parse(stored);
    const { rowKey, pausedUntil, reason = "", learnedAt, maxPutBytes, refusesChunks, profile } = row;
    if (pausedUntil !== undefined)
      return { pause: { key: rowKey.slice(pausePrefix.length), until: new Date(pausedUntil), reason }, facts: {} };
    const maxBytes = maxPutBytes === undefined ? undefined : Number(maxPutBytes);
    return {
      facts: definedOnly({ maxPutBytes: maxBytes, refusesChunks, profile }),
      ...(learnedAt !== undefined && { learnedAt: new Date(learnedAt) }),
    };
  },
};

function factKeys(registry: string): RowKeys {
  return { partitionKey: registry, rowKey: factsKey };
}

function isSame(one: HostFacts, other: HostFacts): boolean {
  return (
    one.maxPutBytes === other.maxPutBytes && one.refusesChunks === other.refusesChunks && one.profile === other.profile
  );
}
