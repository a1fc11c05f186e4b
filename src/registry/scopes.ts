import { readClaims } from "./jwt.ts";
import type { Action } from "./registry.ts";

/** The token scope for a repository: `repository:library/alpine:pull,push`. Source: distribution token specification. */
export function repositoryScope(name: string, actions: readonly Action[]): string {
  return `repository:${name}:${[...new Set(actions)].sort().join(",")}`;
}

/** The token scope for the list of repositories. Source: distribution token specification, "registry:catalog:*". */
export const catalogScope = "registry:catalog:*";

/** For a token that only shows who somebody is: what `docker login` asks for. {@link mergeScopes} drops it. */
export const noScope = "";

/** What a token says to grant in a repository (claim `access`); undefined where it is no JWT, or has no such claim. */
export function actionsIn(name: string, token: string): readonly string[] | undefined {
  const grants = readClaims(token).access?.filter((grant) => grant.type === "repository" && grant.name === name);
  return grants?.flatMap(({ actions }) => actions);
}

/** Sorted scopes without duplicates; the actions of one resource are joined. The order makes them a cache key. */
export function mergeScopes(scopes: readonly string[]): readonly string[] {
  const actionsOf = new Map<string, Set<string>>();
  for (const scope of scopes) {
    const [, resource, actions] = /^(.+):([^:]*)$/.exec(scope) ?? [];
    if (resource === undefined || actions === undefined) continue;
    const joined = actionsOf.get(resource) ?? new Set();
    for (const action of actions.split(",")) joined.add(action);
    actionsOf.set(resource, joined);
  }
  return [...actionsOf].map(([resource, actions]) => `${resource}:${[...actions].sort().join(",")}`).sort();
}
