import type { Digest } from "../digest.ts";
import { type ErrorPlace, ImportError, unreachable } from "../errors.ts";
import { isPush, type Trigger } from "./import-record.ts";
import type { Conflict } from "./import-spec.ts";

/** What a tag holds. `withheld`: something, and a policy of the registry shows it to nobody. Undefined: there is no such tag. */
export type FoundDigest = Digest | "withheld" | undefined;

/** One place that the import is to fill, and what is there now. Without `tag`: a repository to be filled by digest. */
export interface TargetState {
  readonly repository: string;
  readonly tag?: string;
  /** What is there, for a place without tag the planned digest or nothing. */
  readonly digest: FoundDigest;
}

export type ConflictDecision =
  | { readonly kind: "proceed" }
  | { readonly kind: "skip" } // everything is there already: the import ends as Skipped
  | { readonly kind: "failed"; readonly error: ImportError };

export interface ConflictQuestion {
  readonly policy: Conflict;
  readonly trigger: Trigger["kind"];
  readonly plannedDigest: Digest;
  /** What an earlier attempt of this import may have put tags to. */
  readonly taggedDigest: Digest | undefined;
  readonly targets: readonly TargetState[];
  readonly at: ErrorPlace;
}

/** What the conflict policy says before any byte is copied. */
export function decideConflict(question: ConflictQuestion): ConflictDecision {
  const { policy, trigger, plannedDigest, taggedDigest, targets, at } = question;
  const taken = targets.filter((target) => target.tag !== undefined && target.digest !== undefined);
  const isAllThere = targets.length > 0 && targets.every(({ digest }) => digest === plannedDigest);
  // A push by an import comes back as an event, and the same push may come twice: rules must not chase their own echo.
  if (isAllThere && isPush(trigger)) return { kind: "skip" };
  switch (policy) {
    case "fail": {
      const isOwn = ({ digest }: TargetState) => digest === taggedDigest && digest === plannedDigest;
      const foreign = taken.filter((target) => !isOwn(target));
      return foreign.length === 0 ? { kind: "proceed" } : { kind: "failed", error: tagsExist(foreign, policy, at) };
    }
    case "skipIfSame": {
      if (isAllThere) return { kind: "skip" };
      const others = taken.filter(({ digest }) => digest !== plannedDigest);
      return others.length === 0 ? { kind: "proceed" } : { kind: "failed", error: tagsExist(others, policy, at) };
    }
    case "overwrite":
      return { kind: "proceed" }; // who forces an import of what is there means it, and gets missing parts repaired
    default:
      return unreachable(policy);
  }
}

export type TagDecision =
  | { readonly kind: "done" } // it holds the digest: nothing to PUT
  | { readonly kind: "put" }
  | { readonly kind: "failed"; readonly error: ImportError };

export interface TagQuestion {
  readonly policy: Conflict;
  readonly plannedDigest: Digest;
  readonly target: TargetState;
  readonly at: ErrorPlace;
}

/** What the policy says right before a tag is PUT: one that holds the planned digest by now is ours. */
export function decideTag({ policy, plannedDigest, target, at }: TagQuestion): TagDecision {
  if (target.digest === plannedDigest) return { kind: "done" };
  if (target.digest === undefined || policy === "overwrite") return { kind: "put" };
  return { kind: "failed", error: tagsExist([target], policy, at) };
}

function tagsExist(targets: readonly TargetState[], policy: Conflict, at: ErrorPlace): ImportError {
  const names = targets.map(
    ({ repository, tag, digest }) =>
      `${repository}:${tag} (${digest === "withheld" ? "held back by a policy of the registry" : digest})`,
  );
  const shown = names.slice(0, 3).join(", ");
  const rest = names.length > 3 ? ` and ${names.length - 3} more` : "";
  const [first] = targets;
  return new ImportError({
    ...at,
    code: "TARGET_TAG_EXISTS",
    what: `${policy === "fail" ? "tag exists" : "tag holds another digest"}: ${shown}${rest}`,
    hint: `conflict "overwrite" (mode "Force") replaces it${policy === "fail" ? `, "skipIfSame" accepts the same digest` : ""}`,
    ...(first?.digest === undefined || first.digest === "withheld" ? {} : { digest: first.digest }),
  });
}
