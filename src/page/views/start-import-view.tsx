import { useEffect, useRef, useState } from "preact/hooks";
import type { ImportView } from "../../domain/import-view.ts";
import type { PlanView } from "../../domain/plan-view.ts";
import { formatCurl } from "../commands.ts";
import type { Outcome } from "../data/api.ts";
import { emptyForm, fieldOf, type ImportForm, toRequest } from "../import-form.ts";
import { Copyable } from "../parts/copyable.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { formatHash, navigate } from "../routing.ts";
import { useServices } from "../services.ts";
import { ImportFields } from "./import-fields.tsx";
import { PlanSummary } from "./plan-summary.tsx";

type Step =
  | { readonly kind: "filling" }
  | { readonly kind: "working"; readonly what: "Planning" | "Starting" }
  | { readonly kind: "planned"; readonly plan: PlanView }
  | { readonly kind: "failed"; readonly what: "Planning" | "Starting"; readonly outcome: Outcome<unknown> };

const planMs = 230_000; // where the platform cuts answers off

/** A form that first shows what an import would do, and then starts it. */
export function StartImportView() {
  const { act } = useServices();
  const [form, setForm] = useState(emptyForm);
  const [step, setStep] = useState<Step>({ kind: "filling" });
  const fields = useRef<HTMLFieldSetElement>(null);
  const result = useRef<HTMLDivElement>(null);
  // A repeated start of the same form is the same import; any change makes it another one.
  const idempotencyKey = useRef(newKey());
  const isWorking = step.kind === "working";
  const faulty = step.kind === "failed" && step.outcome.kind === "refused" ? step.outcome.problem : undefined;
  const faultyField = fieldOf(faulty?.property);

  // What was disabled while the service worked has lost the focus: it goes on where there is something to read or to do.
  useEffect(() => {
    if (step.kind !== "planned" && step.kind !== "failed") return;
    const field = fields.current?.querySelector<HTMLElement>(`[data-field="${faultyField}"]`);
    (field ?? result.current)?.focus();
  }, [step, faultyField]);

  const change = (next: ImportForm) => {
    setForm(next);
    setStep({ kind: "filling" });
    idempotencyKey.current = newKey();
  };
  const plan = async () => {
    setStep({ kind: "working", what: "Planning" });
    const body = { ...toRequest(form), dryRun: true };
    const outcome = await act<PlanView>({ method: "POST", path: "/api/imports", body, timeoutMs: planMs });
    if (outcome.kind === "ok") setStep({ kind: "planned", plan: outcome.value });
    else setStep({ kind: "failed", what: "Planning", outcome });
  };
  const start = async () => {
    setStep({ kind: "working", what: "Starting" });
    const body = toRequest(form);
    const outcome = await act<ImportView>({
      ...{ method: "POST", path: "/api/imports", body },
      idempotencyKey: idempotencyKey.current,
    });
    if (outcome.kind === "ok") navigate(formatHash("import", outcome.value.id));
    else setStep({ kind: "failed", what: "Starting", outcome });
  };
  const mayStart = step.kind === "planned" || (step.kind === "failed" && mayStartUnplanned(step.outcome));
  return (
    <>
      <h1>Start an import</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          plan().catch(reportError);
        }}
      >
        <fieldset ref={fields} disabled={isWorking} class="plain">
          <ImportFields form={form} onChange={change} faulty={faultyField} fault={faulty?.detail} />
        </fieldset>
        <div class="actions">
          <button type="submit" class={step.kind === "planned" ? undefined : "primary"} disabled={isWorking}>
            Show the plan
          </button>
        </div>
      </form>
      <div role="status">{isWorking && `${step.what}…`}</div>
      <div ref={result} tabIndex={-1}>
        {step.kind === "failed" && <FailedOutcome what={step.what} outcome={step.outcome} />}
        {mayStart && (
          <button type="button" class="primary" onClick={() => start().catch(reportError)}>
            Start this import
          </button>
        )}
        {step.kind === "planned" && <PlanSummary plan={step.plan} />}
        {step.kind === "planned" && form.credentials.password === "" && (
          <Copyable label="curl" text={formatCurl(toRequest(form), window.location.origin)} />
        )}
      </div>
    </>
  );
}

/** The service plans an import in the background, too: one that takes too long to be shown can be started. */
function mayStartUnplanned(outcome: Outcome<unknown>): boolean {
  return outcome.kind === "refused" && outcome.status === 504;
}

/** Not `randomUUID`, which needs a secure context: a service on a private network may have none. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
