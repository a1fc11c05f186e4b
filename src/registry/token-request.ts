import type { RegistryAccess } from "./registry.ts";

/** A GET, or with `form` a POST of it. */
export interface TokenRequest {
  readonly url: URL;
  readonly authorization?: string;
  readonly form?: Readonly<Record<string, string>>;
}

/** Sends a request to a token service and returns the body of the 200. */
export type TokenFetch = (access: RegistryAccess, request: TokenRequest, signal: AbortSignal) => Promise<string>;

/** A path of the registry's own host, for what must go to no other. */
export function ownUrl({ registry, insecure }: RegistryAccess, path: string): URL {
  return new URL(path, `${insecure ? "http" : "https"}://${registry}`);
}
