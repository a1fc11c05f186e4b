import type { TokenCredential } from "@azure/identity";

/** A credential that is made, and its library loaded, when the first token is asked for: an app starts without it. */
export function lazyCredential(create: () => Promise<TokenCredential>): TokenCredential {
  let made: Promise<TokenCredential> | undefined;
  return {
    getToken: async (scopes, options) => {
      made ??= create();
      return (await made).getToken(scopes, options);
    },
  };
}
