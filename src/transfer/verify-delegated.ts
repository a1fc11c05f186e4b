import type { Digest } from "../digest.ts";
import { ImportError } from "../errors.ts";
import { type DelegatedSides, learnMissing, learnTags } from "./delegated-facts.ts";
import { placeOf } from "./place-of.ts";

export interface VerifyDelegatedDeps {
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface VerifiedDelegation {
  /** What the target holds, as far as this is known. */
  readonly digest: Digest | undefined;
  readonly warnings: readonly string[];
}

const looks = 4; // replicas of a registry may lag behind a moment
const lookAgainMs = 1_000;

/**
 * Compares what the target holds with what was to be imported, where this service may read it. Throws
 * TARGET_DIGEST_REJECTED; what cannot be compared is a warning.
 */
export function createVerifyDelegated({ sleep }: VerifyDelegatedDeps) {
  return async (sides: DelegatedSides, signal: AbortSignal): Promise<VerifiedDelegation> => {
    if (sides.spec.verify === "none") return { digest: wantedDigest(sides), warnings: [] };
    for (let seen = 1; ; seen += 1) {
      const found = await look(sides, signal);
      if (found.kind === "verified") return found;
      if (seen === looks) throw rejected(sides, found.what);
      await sleep(lookAgainMs, signal);
    }
  };
}

type Look = (VerifiedDelegation & { readonly kind: "verified" }) | { readonly kind: "wrong"; readonly what: string };

async function look(sides: DelegatedSides, signal: AbortSignal): Promise<Look> {
  const wanted = wantedDigest(sides);
  const tags = await learnTags(sides, signal);
  if ("unreadable" in tags) return unverified(wanted, tags.unreadable);
  const [first] = tags.fact;
  const digest = wanted ?? (first?.digest === "withheld" ? undefined : first?.digest);
  const wrong = tags.fact.find((tag) => tag.digest === undefined || tag.digest !== digest);
  if (wrong !== undefined) {
    const is = `${wrong.repository}:${wrong.tag} is ${wrong.digest ?? "missing"}`;
    return { kind: "wrong", what: digest === undefined ? is : `${is} and not ${digest}` };
  }
  if (digest === undefined) return { kind: "verified", digest, warnings: [neitherRead] };
  const missing = await learnMissing(sides, digest, signal);
  if ("unreadable" in missing) return unverified(digest, missing.unreadable);
  const [lacking] = missing.fact;
  if (lacking !== undefined) return { kind: "wrong", what: `${lacking} lacks ${digest}` };
  return { kind: "verified", digest, warnings: wanted === undefined ? [notCompared] : [] };
}

function wantedDigest({ spec, pinned }: DelegatedSides): Digest | undefined {
  return pinned?.digest ?? spec.source.digest;
}

const notCompared = "the source cannot be read by this service: what the target holds was not compared with it";
const neitherRead = "the source cannot be read by this service: that the target holds it is ACR's word alone";

function unverified(digest: Digest | undefined, { code }: ImportError): Look {
  const warning = `the target cannot be read by this service (${code}): that it holds the image is ACR's word alone`;
  return { kind: "verified", digest, warnings: [warning] };
}

function rejected(sides: DelegatedSides, what: string): ImportError {
  const [first] = sides.targets;
  const digest = wantedDigest(sides);
  return new ImportError({
    ...(first && placeOf(first)),
    code: "TARGET_DIGEST_REJECTED",
    what: `${what}, though ACR says that it is imported`,
    hint: "another writer may have moved the tag",
    ...(digest && { digest }),
  });
}
