import { beyondDelegation, mayDelegate } from "../../domain/delegation.ts";
import { type DelegationStart, delegated } from "../../domain/delegation-transitions.ts";
import type { ImportPlan } from "../../domain/import-plan.ts";
import type { ImportRecord } from "../../domain/import-record.ts";
import { foundAtTarget, pinned, resolving, warned } from "../../domain/import-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { Repository } from "../../registry/registry.ts";
import { type DelegatedSides, decideDelegation } from "../../transfer/delegated-facts.ts";
import { placeOf } from "../../transfer/place-of.ts";
import type { HeldRow } from "../held-row.ts";
import type { OpenedRepositories, OpenRepositories } from "../open-repositories.ts";
import type { FindRegistries } from "./find-registries.ts";

export interface LeaveToAcrDeps {
  readonly repositories: Pick<OpenRepositories, "ofImport" | "toResolve">;
  readonly findRegistries: Pick<FindRegistries, "targetId">;
  readonly now: () => Date;
}

export interface LeaveToAcr {
  /** For strategy `delegate`: what is to be done, all but nothing of it by this service. */
  readonly asRequested: (held: HeldRow, signal: AbortSignal) => Promise<ImportPlan>;
  /** For an import that this service could not resolve: by ACR instead where that may help, else `thrown` again. */
  readonly instead: (thrown: unknown, held: HeldRow, signal: AbortSignal) => Promise<ImportPlan>;
}

export function createLeaveToAcr({ repositories, findRegistries, now }: LeaveToAcrDeps): LeaveToAcr {
  const say = (held: HeldRow, why: string) =>
    held.change((record) => warned(record, `not left to ACR's own import: ${why}`));

  /** An Entra token that the request brought is exchanged, unless the source cannot be reached from here. */
  const openToResolve = async (record: ImportRecord, signal: AbortSignal): Promise<OpenedRepositories> => {
    try {
      return await repositories.toResolve(record, signal);
    } catch (thrown) {
      if (!(thrown instanceof ImportError) || !outOfReach.includes(thrown.code)) throw thrown;
      return await repositories.ofImport(record, "resolve");
    }
  };

  const plan = async (
    held: HeldRow,
    { source, targets }: OpenedRepositories,
    start: Omit<DelegationStart, "source">,
    signal: AbortSignal,
  ): Promise<ImportPlan> => {
    const { spec, trigger, source: found, taggedDigest } = held.record();
    const sides: DelegatedSides = { spec, source, targets, pinned: found };
    const decision = await decideDelegation({ ...sides, trigger: trigger.kind, taggedDigest }, signal);
    if (decision.kind === "proceed") {
      await held.change((record) => delegated(record, { ...start, source: decision.source }, now()));
      return { ...nothingToCopy, kind: "delegate" };
    }
    const { source: resolved } = decision;
    const digest = resolved?.digest ?? spec.source.digest;
    await held.change((record) => {
      const begun = resolving(record, now());
      const known = resolved === undefined ? begun : pinned(begun, resolved);
      return digest === undefined ? known : foundAtTarget(known, digest);
    });
    return { ...nothingToCopy, kind: "skip" };
  };

  return {
    asRequested: async (held, signal) => {
      const opened = await openToResolve(held.record(), signal);
      return await plan(held, opened, { reason: "requested", warnings: [] }, signal);
    },
    instead: async (thrown, held, signal) => {
      if (!(thrown instanceof ImportError) || !restrictions.includes(thrown.code)) throw thrown;
      const { spec } = held.record();
      if (!mayDelegate(spec)) throw thrown;
      const opened = await repositories.ofImport(held.record(), "resolve");
      const [target] = opened.targets;
      const refusing = thrown.side === "source" ? opened.source : target;
      if (target === undefined || refusing === undefined || !isAcr(target) || !isAcr(refusing)) throw thrown;
      const beyond = beyondDelegation(spec);
      if (beyond.length > 0) {
        await say(held, `it knows no ${beyond.join(", ")}`);
        throw thrown;
      }
      try {
        await findRegistries.targetId(placeOf(target), signal);
      } catch (missing) {
        if (!(missing instanceof ImportError) || missing.retryable) throw missing;
        await say(held, missing.message);
        throw thrown;
      }
      const warnings = [`left to ACR's own import, since this service may not reach a registry: ${thrown.message}`];
      return await plan(held, opened, { reason: "networkRestricted", warnings }, signal);
    },
  };
}

const restrictions: readonly string[] = ["SOURCE_NETWORK_RESTRICTED", "TARGET_NETWORK_RESTRICTED"];

const outOfReach: readonly string[] = ["SOURCE_NETWORK_RESTRICTED", "SOURCE_UNAVAILABLE", "HOST_NOT_ALLOWED"];

const nothingToCopy = { v: 1, units: [], large: [], levels: [] } satisfies Omit<ImportPlan, "kind">;

function isAcr({ registry }: Repository): boolean {
  return registry.profile.name === "acr";
}
