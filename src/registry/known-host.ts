import { createHash } from "node:crypto";
import type { HostSignIn } from "./authorizer.ts";
import type { HostFacts } from "./host-board.ts";
import { type AccountLimits, createHostLimits, type HostLimits, type HostLimitsDeps } from "./limits.ts";
import { profileNamed, profileOfAnswer, profileOfHost, type RegistryProfile } from "./profiles.ts";
import { createRecentMap } from "./recent-map.ts";
import type { Credentials, LearnedHost, RegistryAccess } from "./registry.ts";

/** What this process knows of one host; shared by all who ask it. */
export interface KnownHost extends Pick<HostLimits, "state" | "sync"> {
  readonly host: string;
  readonly signIn: HostSignIn;
  readonly learned: LearnedHost;
  readonly limitsOf: (access: RegistryAccess) => AccountLimits;
  /** What the operator says, else what is known by now; without chunks where the host has refused them. */
  readonly profileOf: (access: RegistryAccess) => RegistryProfile;
  /** Keeps what was found out, for the other processes too. */
  readonly learn: (facts: HostFacts) => void;
  /** Looks at the headers of an answer until they have told what the host is. */
  readonly recognise: (header: (name: string) => string | undefined) => void;
}

const maxScopes = 1_000;
const maxSources = 1_000;
const factsLastMs = 24 * 3_600_000; // where no note of another process says them again

/** A host of which nothing is known but its name. */
export function createKnownHost(deps: Omit<HostLimitsDeps, "onFacts">): KnownHost {
  const learned: LearnedHost = {
    ...{ maxPutBytes: undefined, refusesChunks: false },
    uploadRates: createRecentMap(maxSources),
  };
  let profileName = profileOfHost(deps.host);
  let confirmedAtMs = deps.elapsedMs(); // a time of day that is set would forget at once, or never

  const takeOver = ({ maxPutBytes, refusesChunks, profile }: HostFacts): void => {
    if (maxPutBytes !== undefined || refusesChunks === true) confirmedAtMs = deps.elapsedMs();
    if (maxPutBytes !== undefined) learned.maxPutBytes = Math.min(learned.maxPutBytes ?? maxPutBytes, maxPutBytes);
    if (refusesChunks === true) learned.refusesChunks = true;
    profileName ??= profile;
  };
  /** A refusal that was once met is met again if it still holds; one that no longer does would cost every large blob. */
  const forgetOld = (): void => {
    if (deps.elapsedMs() - confirmedAtMs < factsLastMs) return;
    learned.maxPutBytes = undefined;
    learned.refusesChunks = false;
  };
  const profileOf: KnownHost["profileOf"] = ({ profile }) => {
    const known = profileNamed(profile ?? profileName);
    return learned.refusesChunks ? { ...known, chunkBytes: 0 } : known;
  };
  const learn: KnownHost["learn"] = (facts) => {
    takeOver(facts);
    deps.board.learn(deps.host, facts);
  };
  const onFacts = (facts: HostFacts): void => {
    forgetOld();
    takeOver(facts);
  };
  const { of, state, sync } = createHostLimits({ ...deps, onFacts });

  return {
    host: deps.host,
    state,
    sync,
    signIn: { scheme: undefined, scopes: createRecentMap(maxScopes) },
    learned,
    limitsOf: (access) => {
      const { limits, credentials } = access;
      return of(accountOf(credentials), limits === undefined ? () => profileOf(access).rates : () => [limits]);
    },
    profileOf,
    learn,
    recognise: (header) => {
      const profile = profileName === undefined ? profileOfAnswer(header) : undefined;
      if (profile !== undefined) learn({ profile });
    },
  };
}

const passingMembers: readonly string[] = ["password", "token", "endsAt"];

/** Tells accounts apart, whatever secret they bring: registries count by account. Refresh tokens count as one account. */
function accountOf(credentials: Credentials): string {
  if (credentials.kind === "anonymous") return "anonymous";
  const account = JSON.stringify(credentials, (key, value) => (passingMembers.includes(key) ? undefined : value));
  return createHash("sha256").update(account).digest("base64url").slice(0, 16);
}
