import { useRef, useState } from "preact/hooks";
import type { Snapshot } from "./data/resource.ts";
import { type Attempt, useAttempt } from "./data/use-attempt.ts";
import { useIsMounted } from "./data/use-is-mounted.ts";
import type { DefinitionDraft } from "./drafts.ts";
import { formatHash, navigate } from "./routing.ts";
import type { Draft } from "./use-draft.ts";

interface Named {
  readonly name: string;
}

/** What is alike in rules and schedules, and what is not. */
export interface DefinitionKind<Stored extends Named, Form extends Named> {
  /** View of one, and what one is called. */
  readonly one: "rule" | "schedule";
  /** View of all, and their address in the API. */
  readonly all: "rules" | "schedules";
  /** The body that stores it; what the form has no field for stays as it was `before`. */
  readonly write: (form: Form, before: Stored | undefined) => object;
  /** The field that a property of the body stands in. */
  readonly fieldOf: (property: string) => string | undefined;
  /** Whether it was defined otherwise since the draft began. */
  readonly isNewer: (newest: Snapshot<Stored>, draft: DefinitionDraft<Stored, Form>) => boolean;
}

export interface Definition<Stored extends Named, Form extends Named> {
  readonly kind: DefinitionKind<Stored, Form>;
  readonly form: Form;
  /** What the form stands on. */
  readonly stored: Stored | undefined;
  /** What is stored now; undefined: it is one to make. */
  readonly newest: Snapshot<Stored> | undefined;
  /** The API's address of it. */
  readonly path: string;
  readonly isBusy: boolean;
  readonly isRestored: boolean;
  /** What is stored is newer than what the form began with: another tab or somebody else was here. */
  readonly isOutdated: boolean;
  /** It was deleted while the form was open. */
  readonly isGone: boolean;
  /** There is one of the name that another one was to be made under. */
  readonly isTaken: boolean;
  /** How the last change ended, unless a field says it. */
  readonly attempt: Attempt | undefined;
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
  readonly change: (form: Form) => void;
  readonly save: () => Promise<void>;
  /** Stores what is filled in over what somebody else has stored. */
  readonly saveOver: () => Promise<void>;
  readonly load: () => void;
  readonly remove: () => Promise<void>;
  /** Keeps how a request ended that judged what is filled in; undefined: all is well. */
  readonly tell: (attempt: Attempt | undefined) => void;
}

/** A rule or schedule that is being made or changed. */
export function useDefinition<Stored extends Named, Form extends Named>(
  kind: DefinitionKind<Stored, Form>,
  draft: Draft<DefinitionDraft<Stored, Form>>,
  newest: Snapshot<Stored> | undefined,
): Definition<Stored, Form> {
  const { isBusy, attempt, run, tell } = useAttempt();
  const isMounted = useIsMounted();
  /** ETags from before it was saved here: what is on screen may still be of one of them for a moment. */
  const [replaced, setReplaced] = useState<readonly (string | undefined)[]>([]);
  const [triedName, setTriedName] = useState("");
  const latest = useRef(draft.value);
  latest.current = draft.value;
  const { stored, etag, form } = draft.value;
  const name = form.name.trim();
  const path = `/api/${kind.all}/${encodeURIComponent(name)}`;
  const isGone = newest?.isGone ?? false;
  const refusal = attempt?.outcome.kind === "refused" ? attempt.outcome : undefined;
  const isRefusedAsTaken = newest === undefined && refusal?.status === 412;
  const isTaken = isRefusedAsTaken && name === triedName;

  const store = async (before: Stored | undefined, ifMatch: string) => {
    setTriedName(name);
    const body = kind.write(form, before);
    const outcome = await run<Stored>("Saving", { method: "PUT", path, body, ifMatch });
    if (outcome.kind !== "ok") return;
    setReplaced((known) => [...known, etag, newest?.etag]);
    const { form: entered } = latest.current; // the reader may have gone on
    draft.change({ stored: outcome.value, etag: outcome.etag, form: entered });
    if (entered === form) draft.forget();
    if (newest === undefined && isMounted()) navigate(formatHash(kind.one, outcome.value.name));
  };
  return {
    ...{ kind, form, stored, newest, path, isBusy, isGone, isTaken, tell },
    isRestored: draft.isRestored,
    isOutdated: newest !== undefined && !replaced.includes(newest.etag) && kind.isNewer(newest, draft.value),
    attempt: isRefusedAsTaken ? undefined : attempt,
    faulty: isTaken ? "name" : kind.fieldOf(refusal?.problem?.property ?? ""),
    fault: refusal?.problem?.detail,
    change: (changed) => draft.change({ ...draft.value, form: changed }),
    save: () => store(stored, isGone ? "missing" : (etag ?? "missing")),
    saveOver: () => store(newest?.value, newest?.etag ?? "missing"),
    load: () => {
      draft.beginAnew();
      tell(undefined);
    },
    remove: async () => {
      const outcome = await run("Deleting", { method: "DELETE", path });
      if (outcome.kind !== "ok") return;
      draft.forget();
      if (isMounted()) navigate(formatHash(kind.all));
    },
  };
}
