/** How the registry behaves where real ones differ. */
export interface RegistryBehaviour {
  /** `Location` and `Link`: a path, or a whole URL. */
  readonly urls: "relative" | "absolute";
  /** `stateful`: an upload's Location holds its offset, and an old one is refused, like distribution 2.8 does. */
  readonly sessions: "stateful" | "stateless";
  /** `ignored`: chunks are appended wherever they say they belong, like distribution 2.8 does. */
  readonly contentRange: "checked" | "ignored";
  /** What becomes of a session whose client goes away in the middle of a chunk. zot forgets it. */
  readonly interrupted: "kept" | "forgotten";
  /** `POST …?digest=` with the whole blob: taken, or answered by a session, like distribution 2.8 does. */
  readonly wholePost: "taken" | "ignored";
  /** What a manifest PUT answers when a blob of it is missing. */
  readonly missingBlobs: "400" | "404" | "accepted";
  /** What an index PUT answers when a child of it is missing. */
  readonly missingChildren: "400" | "404" | "accepted";
  /** `missing`: 404 for the referrers API and no OCI-Subject header. */
  readonly referrers: "served" | "missing";
  /** Whether a manifest PUT under a tag heeds `If-Match` and `If-None-Match`. */
  readonly conditionalPuts: "heeded" | "ignored";
  /** `refused`: pushes to a repository that does not exist are 404 NAME_UNKNOWN. */
  readonly newRepositories: "created" | "refused";
}

export const conformant: RegistryBehaviour = {
  urls: "relative",
  sessions: "stateless",
  contentRange: "checked",
  interrupted: "kept",
  wholePost: "taken",
  missingBlobs: "400",
  missingChildren: "400",
  referrers: "served",
  conditionalPuts: "heeded",
  newRepositories: "created",
};

/** Debian's docker-registry 2.8.2. */
export const distribution28: RegistryBehaviour = {
  ...conformant,
  urls: "absolute",
  sessions: "stateful",
  contentRange: "ignored",
  wholePost: "ignored",
  referrers: "missing",
  conditionalPuts: "ignored",
};
