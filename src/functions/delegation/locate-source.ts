import { parseRegistryResourceId, type RegistryResourceId } from "../../domain/arm-resource-id.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import { ImportError } from "../../errors.ts";
import type { ArmClient } from "./arm-client.ts";

export interface LocateSourceDeps {
  readonly arm: Pick<ArmClient, "loginServerOf">;
  /** Throws HOST_NOT_ALLOWED: who accepted the import could not know the host yet. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  readonly now: () => Date;
}

export interface LocatedSource {
  /** With the source's true host, as far as it can be known. */
  readonly spec: ImportSpec;
  readonly warnings: readonly string[];
}

/**
 * Finds the host of a source that was named by its resource id: what Azure says, where the app's identity may ask, else
 * what the id's name suggests, with a warning.
 */
export type LocateSource = (spec: ImportSpec, signal: AbortSignal) => Promise<LocatedSource>;

const forgetMs = 5 * 60_000; // a role that was given meanwhile
const maxKnown = 1_000;

/** Answers are kept in this process: hosts of registries never change, and no answer may change soon. */
export function createLocateSource({ arm, assertAllowed, now }: LocateSourceDeps): LocateSource {
  const known = new Map<
    string,
    { readonly host: string } | { readonly refusal: ImportError; readonly untilMs: number }
  >();

  const ask = async (id: RegistryResourceId, key: string, registry: string, signal: AbortSignal) => {
    const kept = known.get(key);
    if (kept !== undefined && ("host" in kept || kept.untilMs > now().getTime())) return kept;
    if (known.size >= maxKnown) known.clear();
    try {
      const answer = { host: await arm.loginServerOf(id, { side: "source", registry, stage: "resolve" }, signal) };
      known.set(key, answer);
      return answer;
    } catch (thrown) {
      if (!(thrown instanceof ImportError) || !isRefusal(thrown)) throw thrown;
      const answer = { refusal: thrown, untilMs: now().getTime() + forgetMs };
      known.set(key, answer);
      return answer;
    }
  };

  return async (spec, signal) => {
    const { resourceId = "", isAssumed, ...source } = spec.source;
    const id = parseRegistryResourceId(resourceId);
    if (isAssumed === undefined || id === undefined) return { spec, warnings: [] };
    const answer = await ask(id, resourceId.toLowerCase(), source.registry, signal);
    const registry = "host" in answer ? answer.host : source.registry;
    const located = { ...spec, source: { ...source, registry, resourceId } };
    assertAllowed(located);
    return { spec: located, warnings: "host" in answer ? [] : [assumed(registry, answer.refusal)] };
  };
}

function isRefusal({ code }: ImportError): boolean {
  return code === "SOURCE_FORBIDDEN" || code === "SOURCE_UNAUTHORIZED";
}

function assumed(registry: string, { code }: ImportError): string {
  return `source.resourceId: taken to be ${registry}, since Azure does not tell this app (${code})`;
}
