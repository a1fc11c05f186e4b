import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  failing,
  hangUp,
  leadAway,
  loseAnswer,
  rateLimited,
  retryAfterDate,
  tokensWearOut,
} from "../helpers/faults-any.ts";
import { corruptByte, ignoreRanges, redirectBlobs, truncateBody, wrongContentRange } from "../helpers/faults-source.ts";
import * as deviate from "../helpers/faults-target.ts";
import { image } from "../helpers/images.ts";
import { type FaultWorld, openFaultWorld, type Place, type Row, type Seen } from "./fault-world.ts";
import { expectImage } from "./world.ts";

/** What a whole import makes of a registry that misbehaves: a correct copy, or an error that says whose fault it is. */

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const blobGets = ({ source, digest }: Seen) => source.requests.filter((one) => one.digest === digest);
const other = image({ seed: "somebody else's" });
const once = { times: 1 } as const;
const half = { ...once, afterBytes: 1_500_000 } as const;

/** A source that wants a pause between requests. */
function limited(how: string, retryAfter: () => string | undefined): Row {
  return {
    name: `asks for a pause and says how long ${how}`,
    faults: ({ digest }) => [rateLimited({ digest, times: 2, retryAfter: retryAfter() })],
    also: (seen) => expect(blobGets(seen).map(({ status }) => status)).toEqual([429, 429, 200]),
  };
}

/** A registry that sends the transfer to where no connection may go: the import ends with the first such answer. */
function leading(kind: "blob-get" | "upload-start", where: string, url: string): Row {
  const status = kind === "blob-get" ? 307 : 202;
  return {
    name: `leads to ${where}`,
    layers: [3_000_000],
    faults: ({ repository }) => [leadAway({ kind, repository, status, url })],
    code: "HOST_NOT_ALLOWED",
    also: ({ source, target, repository }) => {
      const asked = (kind === "blob-get" ? source : target).countRequests({ kind, repository, status });
      expect(asked).toBeLessThanOrEqual(2); // one for each blob
    },
  };
}

const sourceRows: readonly Row[] = [
  leading("blob-get", "a metadata service", "http://169.254.169.254/latest/meta-data"),
  leading("blob-get", "a port of this machine that nobody named", "https://127.0.0.1:1/x"),
  leading("blob-get", "a private network", "https://10.0.0.1/x"),
  {
    name: "breaks off in the middle of a body",
    faults: ({ digest }) => [truncateBody({ digest, ...half })],
    also: (seen) => {
      const ranges = blobGets(seen).map(({ headers }) => headers.range);
      expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d+-/)]); // goes on, does not start over
      expect(seen.target.bytesReceived(seen.digest)).toBe(seen.sizeBytes);
    },
  },
  {
    name: "serves a blob with a wrong byte",
    faults: ({ digest }) => [corruptByte({ digest, atBytes: 2_000_000 })],
    code: "SOURCE_CONTENT_CORRUPT",
    also: ({ target, digest }) => expect(target.countRequests({ kind: "upload-put", digest, status: 201 })).toBe(0),
  },
  {
    name: "breaks off and then ignores ranges",
    faults: ({ digest }) => [truncateBody({ digest, ...half }), ignoreRanges({ digest })],
  },
  {
    name: "breaks off and then sends another range than it was asked for",
    faults: ({ digest }) => [truncateBody({ digest, ...half }), wrongContentRange({ digest, shiftBytes: 7 })],
    code: "SOURCE_CONTENT_CORRUPT",
  },
  {
    name: "redirects to a storage that takes no credentials",
    registry: "secured",
    faults: ({ repository }) => [redirectBlobs({ repository, authorization: "refused" })],
    also: ({ source, digest }) => {
      const [asked] = source.requests.filter(
        (one) => one.kind === "blob-get" && one.digest === digest && one.status === 307,
      );
      const served = source.requests.filter((one) => one.kind === "storage-get");
      expect(asked?.headers).toHaveProperty("authorization");
      expect(served.length).toBeGreaterThan(0);
      for (const { headers } of served) expect(headers).not.toHaveProperty("authorization");
    },
  },
  {
    name: "signs URLs that expire in the middle of a blob",
    faults: ({ repository, digest }) => [
      truncateBody({ kind: "storage-get", digest, ...half }),
      redirectBlobs({ repository, uses: 1 }),
    ],
    also: ({ source, digest }) => expect(source.countRequests({ kind: "blob-get", digest })).toBe(2),
  },
  {
    name: "wears its tokens out in the middle of an import",
    registry: "secured",
    layers: [3_000_000],
    faults: ({ repository, digest }) => [
      tokensWearOut({ repository, afterRequests: 3 }),
      truncateBody({ digest, ...half }),
    ],
    also: ({ source, repository }) => {
      const asked = source.tokenRequests.filter(({ scopes }) => scopes.includes(`repository:${repository}:pull`));
      expect(asked.length).toBeGreaterThan(1);
    },
  },
  limited("in seconds", () => "1"),
  limited("by a date", () => retryAfterDate(1)),
  limited("by a fraction", () => "0.3"),
  limited("by a Go duration", () => "880.092µs"),
  limited("nowhere", () => undefined),
  {
    name: "answers a burst of 5xx",
    faults: ({ repository }) =>
      [500, 502, 503].map((status) => failing({ kind: "blob-get", repository, status, times: 1 })),
  },
  { name: "hangs up on requests", faults: ({ repository }) => [hangUp({ repository, times: 3 })] },
  {
    name: "has lost the manifest",
    faults: ({ repository }) => [
      failing({ kind: ["manifest-get", "manifest-head"], repository, status: 404, code: "MANIFEST_UNKNOWN" }),
    ],
    code: "SOURCE_NOT_FOUND",
  },
  {
    name: "has lost a blob",
    faults: ({ digest }) => [failing({ kind: "blob-get", digest, status: 404, code: "BLOB_UNKNOWN" })],
    code: "SOURCE_NOT_FOUND",
  },
  {
    name: "does not take the credentials",
    registry: "secured",
    faults: () => [],
    request: ({ source, repository }) => ({
      source: {
        registryUri: source.host,
        sourceImage: `${repository}:1`,
        credentials: { username: "puller", password: "wrong" },
      },
    }),
    code: "SOURCE_UNAUTHORIZED",
  },
];

const threeChunks = { service: "chunked", registry: "ghcr", layers: [9_000_000, 900] } as const;
const everyPatch = ({ target, repository }: Seen) =>
  target.requests.filter((one) => one.kind === "upload-patch" && one.repository === repository);

const targetRows: readonly Row[] = [
  leading("upload-start", "a metadata service", "https://169.254.169.254/upload"),
  leading("upload-start", "a port of this machine that nobody named", "https://127.0.0.1:1/x"),
  {
    name: "stores a blob and loses the answer",
    faults: ({ digest }) => [loseAnswer({ digest, ...once })],
    also: ({ target, digest, sizeBytes }) => expect([sizeBytes, 2 * sizeBytes]).toContain(target.bytesReceived(digest)),
  },
  {
    name: "stores a manifest and loses the answer",
    faults: ({ repository }) => [loseAnswer({ kind: "manifest-put", repository, ...once })],
  },
  {
    name: "hangs up on uploads",
    faults: ({ repository }) => [hangUp({ kind: ["upload-start", "upload-put"], repository, times: 3 })],
  },
  {
    name: "answers a burst of 5xx",
    faults: ({ repository }) => [
      failing({ kind: "upload-start", repository, status: 503, times: 2 }),
      failing({ kind: "manifest-put", repository, status: 502, times: 1 }),
    ],
  },
  {
    name: "asks for a pause",
    faults: ({ repository }) => [
      rateLimited({ kind: ["upload-start", "manifest-put"], repository, times: 2, retryAfter: "0.2" }),
    ],
  },
  {
    name: "asks for a pause when it has a whole blob",
    faults: ({ digest }) => [rateLimited({ kind: "upload-put", digest, times: 1, retryAfter: "1" })],
    also: ({ target, repository }) => {
      expect(target.countRequests({ kind: "upload-cancel", repository, status: 204 })).toBe(1);
    },
  },
  {
    name: "asks for a pause when it has all chunks of a blob",
    ...threeChunks,
    faults: ({ digest }) => [rateLimited({ kind: "upload-put", digest, times: 1, retryAfter: "1" })],
    also: (seen) => expect(everyPatch(seen)).toHaveLength(3),
  },
  {
    name: "asks for a pause between chunks",
    ...threeChunks,
    faults: ({ repository }) => [rateLimited({ kind: "upload-patch", repository, from: 2, times: 1, retryAfter: "1" })],
    also: (seen) => expect(new Set(everyPatch(seen).map(({ session }) => session)).size).toBe(1),
  },
  {
    name: "says by no answer where a broken chunk has left it",
    ...threeChunks,
    faults: ({ repository }) => [
      hangUp({ kind: "upload-patch", repository, from: 2, times: 1 }),
      failing({ kind: "upload-status", repository, status: 405 }),
    ],
    also: (seen) => expect(new Set(everyPatch(seen).map(({ session }) => session)).size).toBe(2),
  },
  {
    name: "forgets the session in the middle of a blob",
    ...threeChunks,
    faults: ({ repository }) => [deviate.forgetUpload({ repository, atPatch: 2 })],
    also: (seen) => expect(new Set(everyPatch(seen).map(({ session }) => session)).size).toBe(2),
  },
  {
    name: "answers 201 to a chunk",
    ...threeChunks,
    faults: ({ repository }) => [deviate.patchAnswers201({ repository })],
    also: (seen) => expect(everyPatch(seen).map(({ status }) => status)).toEqual([201, 201, 201]),
  },
  ...(["relative", "absolute"] as const).map((to) => ({
    name: `says by ${to} URLs where to go on`,
    ...threeChunks,
    faults: ({ repository }: Place) => [deviate.rewriteUrls({ repository, to })],
    also: (seen: Seen) => expect(everyPatch(seen)).toHaveLength(3),
  })),
  {
    name: "stores less of a chunk than it was sent",
    ...threeChunks,
    faults: ({ repository }) => [deviate.storeLess({ repository, keepBytes: 1_000_000, ...once })],
  },
  {
    name: "reports fewer bytes than it has",
    ...threeChunks,
    faults: ({ repository }) => [deviate.staleRange({ repository, behindBytes: 1_000, ...once })],
  },
  {
    name: "reports the first chunk's end for ever",
    ...threeChunks,
    registry: "ecr",
    layers: [22_000_000],
    faults: ({ repository }) => [deviate.stuckRange({ repository })],
    also: (seen) => expect(everyPatch(seen)).toHaveLength(3),
  },
  {
    name: "limits the size of a request",
    registry: "bodyLimit",
    faults: ({ repository }) => [deviate.tooLarge({ repository, aboveBytes: 2_000_000 })],
    also: (seen) => expect(everyPatch(seen).filter(({ status }) => status === 202)).toHaveLength(2),
  },
  {
    name: "is known to take no chunks",
    service: "chunked",
    registry: "gar",
    faults: ({ repository }) => [deviate.refuseChunks({ repository })],
    also: (seen) => expect(everyPatch(seen)).toEqual([]),
  },
  {
    name: "takes no chunks, which nobody knew",
    ...threeChunks,
    registry: "noChunks",
    faults: ({ repository }) => [deviate.refuseChunks({ repository })],
    also: (seen) => expect(everyPatch(seen)).toHaveLength(1),
  },
  ...([202, 403, 404] as const).map((status) => ({
    name: `answers a mount by ${status}`,
    faults: () => [deviate.refuseMount({ status })],
    request: ({ repository }: Place) => ({ targetTags: [`${repository}:1`, `${repository}/too:1`] }),
    also: async ({ target, repository, pushed }: Seen) => {
      await expectImage(target, `${repository}/too`, pushed, "1");
      expect(target.countRequests({ kind: "mount", repository: `${repository}/too`, status })).toBeGreaterThan(0);
    },
  })),
  {
    name: "is locked",
    faults: ({ repository }) => [deviate.refuseManifest({ repository, code: "REGISTRY_DISALLOWED_OPERATION" })],
    code: "TARGET_LOCKED",
  },
  {
    name: "misses a blob that it has taken",
    faults: ({ repository }) => [deviate.refuseManifest({ repository, code: "MANIFEST_BLOB_UNKNOWN" })],
    code: "TARGET_CONTENT_MISSING",
  },
  {
    name: "gets the tag from somebody else in the meantime",
    before: ({ target, repository }) => target.seedImage(repository, undefined, other),
    faults: ({ repository }) => [deviate.tagRace({ repository, reference: "1", digest: other.root.digest })],
    request: () => ({ conflict: "fail" }),
    code: "TARGET_TAG_EXISTS",
    tags: () => ({ 1: other.root.digest }),
  },
  {
    name: "does not know the repository",
    faults: ({ repository }) => [deviate.missingRepository({ repository })],
    code: "TARGET_REPOSITORY_MISSING",
  },
];

describe("an import from a source that", () => {
  it.each(sourceRows)("$name", (row) => world.importUnder(row, "source"));
});

describe("an import into a target that", () => {
  it.each(targetRows)("$name", (row) => world.importUnder(row, "target"));
});
