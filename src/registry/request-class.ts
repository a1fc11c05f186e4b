/**
 * Request classes that registries count apart (ACR: DataplaneRead, DataplaneWrite, ListReferrers, OAuth). `pull`: the GET
 * of a manifest where those have a quota of their own (Docker Hub); elsewhere it is a `read`.
 */
export const requestClasses = ["read", "pull", "write", "referrers", "token"] as const;
export type RequestClass = (typeof requestClasses)[number];

/** What may be in flight at once at a host is counted by class, and apart for downloads of blobs, which last. */
export type SlotKind = RequestClass | "download";

/** The class that a request in such a slot is counted in by the registry. */
export function classOf(kind: SlotKind): RequestClass {
  return kind === "download" ? "read" : kind;
}
