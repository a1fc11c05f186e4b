/**
 * Request classes that registries count apart (ACR: DataplaneRead, DataplaneWrite, ListReferrers, OAuth). `pull`: the GET
 * of a manifest where those have a quota of their own (Docker Hub); elsewhere it is a `read`.
 */
export const requestClasses = ["read", "pull", "write", "referrers", "token"] as const;
export type RequestClass = (typeof requestClasses)[number];
