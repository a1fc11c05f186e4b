import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ProblemView } from "../../domain/problem-view.ts";
import { isPassing, type Outcome } from "../data/api.ts";
import { useIsMounted } from "../data/use-is-mounted.ts";
import { navigate } from "../routing.ts";
import { useServices } from "../services.ts";
import { ActionButton } from "./action-button.tsx";
import { FailedOutcome } from "./failed-outcome.tsx";
import { Notice } from "./notice.tsx";

/** A field that the service does not like, and why; both undefined: it likes them all. */
export interface Fault {
  readonly faulty: string | undefined;
  readonly fault: string | undefined;
}

export interface PlanFirstProps<Plan, Started> {
  /** Takes the request that starts it; with `dryRun: true`, the one for its plan. */
  readonly path: string;
  /** What the form stands for. */
  readonly request: object;
  readonly planLabel: string;
  readonly startLabel: string;
  /** The field that a refusal is about, and what is said there. */
  readonly faultOf: (problem: ProblemView) => Fault;
  readonly fields: (fault: Fault) => ComponentChildren;
  readonly renderPlan: (plan: Plan) => ComponentChildren;
  /** Whether there is anything to start. */
  readonly mayStart: (plan: Plan) => boolean;
  readonly onStarted: () => void;
  /** Where one sees what was started; whoever has gone elsewhere meanwhile stays there. */
  readonly addressOf: (started: Started) => string;
}

type Step<Plan> =
  | { readonly kind: "working"; readonly what: "Planning" | "Starting" }
  | { readonly kind: "planned"; readonly plan: Plan }
  | { readonly kind: "failed"; readonly what: "Planning" | "Starting"; readonly outcome: Outcome<unknown> };

const planMs = 230_000; // where the platform cuts answers off
const noFault: Fault = { faulty: undefined, fault: undefined };

/** A form that first shows what its request would do, and then sends it. Any change asks for another plan. */
export function PlanFirst<Plan, Started>(props: PlanFirstProps<Plan, Started>) {
  const { path, request, planLabel, startLabel, faultOf, fields, renderPlan, mayStart, onStarted, addressOf } = props;
  const { act, startKeys } = useServices();
  const isMounted = useIsMounted();
  const stopping = useRef<AbortController | undefined>(undefined);
  const [last, setLast] = useState<{ readonly of: string; readonly step: Step<Plan> } | undefined>();
  const fieldset = useRef<HTMLFieldSetElement>(null);
  const result = useRef<HTMLDivElement>(null);
  const asked = JSON.stringify(request);
  // A repeated start of the same form is the same thing started, also after a look elsewhere; any change makes it another one.
  const idempotencyKey = useMemo(() => startKeys.get(asked) ?? newKey(), [asked]);
  const step = last?.of === asked ? last.step : undefined;
  const isWorking = step?.kind === "working";
  const problem = step?.kind === "failed" && step.outcome.kind === "refused" ? step.outcome.problem : undefined;
  const fault = problem === undefined ? noFault : faultOf(problem);

  // At once: a moment later it would stop the plan of the form as it is now, which was asked for by keyboard meanwhile.
  useLayoutEffect(() => () => stopping.current?.abort(), [asked]);

  // The focus goes on where there is something to read or to do.
  useEffect(() => {
    if (step?.kind !== "planned" && step?.kind !== "failed") return;
    const field = fieldset.current?.querySelector<HTMLElement>(`[data-field="${fault.faulty}"]`);
    (field ?? result.current)?.focus();
  }, [step, fault.faulty]);

  const begin = (next: Step<Plan>) => setLast({ of: asked, step: next });
  /** Of another form by now, it is of no interest. */
  const end = (next: Step<Plan> | undefined) =>
    setLast((now) => (now?.of !== asked ? now : next && { of: asked, step: next }));
  const plan = async () => {
    begin({ kind: "working", what: "Planning" });
    stopping.current = new AbortController();
    const { signal } = stopping.current;
    const body = { ...request, dryRun: true };
    const outcome = await act<Plan>({ method: "POST", path, body, timeoutMs: planMs, signal });
    if (signal.aborted) end(undefined);
    else if (outcome.kind === "ok") end({ kind: "planned", plan: outcome.value });
    else end({ kind: "failed", what: "Planning", outcome });
  };
  const start = async () => {
    begin({ kind: "working", what: "Starting" });
    startKeys.set(asked, idempotencyKey);
    const outcome = await act<Started>({ method: "POST", path, body: request, idempotencyKey });
    if (outcome.kind !== "ok") {
      end({ kind: "failed", what: "Starting", outcome });
      return;
    }
    startKeys.delete(asked);
    onStarted();
    if (isMounted()) navigate(addressOf(outcome.value));
  };
  const isReady = (step?.kind === "planned" && mayStart(step.plan)) || (step?.kind === "failed" && mayStartAfter(step));
  const isUnsure = step?.kind === "failed" && mayHaveStarted(step);
  return (
    <div class="beside even">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isWorking) plan().catch(reportError);
        }}
      >
        <fieldset ref={fieldset} class="plain">
          {fields(fault)}
        </fieldset>
        <div class="actions">
          <ActionButton type="submit" class={step?.kind === "planned" ? undefined : "primary"} isBusy={isWorking}>
            {planLabel}
          </ActionButton>
          {step?.kind === "working" && step.what === "Planning" && (
            <button type="button" onClick={() => stopping.current?.abort()}>
              Stop planning
            </button>
          )}
        </div>
      </form>
      <div>
        <div role="status">{isWorking && `${step.what}…`}</div>
        {step === undefined && (
          <div class="card empty only-beside">
            <p>What it would do is shown here before anything is done.</p>
          </div>
        )}
        <div ref={result} tabIndex={-1}>
          {step?.kind === "failed" && !isUnsure && <FailedOutcome what={step.what} outcome={step.outcome} />}
          {isUnsure && (
            <Notice tone="bad" title="It may have started: the service's answer did not arrive">
              <p>Trying again starts nothing twice, as long as this form stays as it is.</p>
            </Notice>
          )}
          {isReady && (
            <button type="button" class="primary" onClick={() => start().catch(reportError)}>
              {isUnsure ? "Try again to start it" : startLabel}
            </button>
          )}
          {step?.kind === "planned" && renderPlan(step.plan)}
        </div>
      </div>
    </div>
  );
}

type FailedStep = Extract<Step<unknown>, { readonly kind: "failed" }>;

function mayStartAfter({ what, outcome }: FailedStep): boolean {
  // The service plans in the background, too: what takes too long to be shown can be started.
  if (what === "Planning") return outcome.kind === "refused" && outcome.status === 504;
  return outcome.kind !== "refused" || isPassing(outcome);
}

/** Nobody knows what became of a request whose answer was lost, or is not the service's own. */
function mayHaveStarted({ what, outcome }: FailedStep): boolean {
  if (what === "Planning") return false;
  return (
    outcome.kind === "unreachable" || (outcome.kind === "refused" && (outcome.status >= 500 || outcome.status < 400))
  );
}

/** Not `randomUUID`, which needs a secure context: a service on a private network may have none. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
