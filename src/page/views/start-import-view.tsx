import type { ImportView } from "../../domain/import-view.ts";
import type { PlanView } from "../../domain/plan-view.ts";
import { formatCurl } from "../commands.ts";
import { emptyForm, fieldOf, toRequest } from "../import-form.ts";
import { Copyable } from "../parts/copyable.tsx";
import { DraftNotice } from "../parts/draft-notice.tsx";
import { PlanFirst } from "../parts/plan-first.tsx";
import { formatHash } from "../routing.ts";
import { useServices } from "../services.ts";
import { useDraft } from "../use-draft.ts";
import { ImportFields } from "./import-fields.tsx";
import { PlanSummary } from "./plan-summary.tsx";

const path = "/api/imports";

/** A form that first shows what an import would do, and then starts it. */
export function StartImportView() {
  const { api } = useServices();
  const draft = useDraft("import", "", () => emptyForm);
  const { value: form } = draft;
  const request = toRequest(form);
  return (
    <>
      <h1>Start an import</h1>
      <DraftNotice {...draft} />
      <PlanFirst<PlanView, ImportView>
        {...{ path, request, planLabel: "Show the plan", startLabel: "Start this import" }}
        faultOf={({ property, detail }) => ({ faulty: fieldOf(property), fault: detail })}
        fields={(fault) => <ImportFields form={form} onChange={draft.change} {...fault} />}
        renderPlan={(plan) => (
          <>
            <PlanSummary plan={plan} />
            {form.credentials.password === "" && (
              <Copyable label="curl" text={formatCurl(`${window.location.origin}${path}`, request, api.signIn())} />
            )}
          </>
        )}
        mayStart={() => true}
        onStarted={draft.forget}
        addressOf={({ id }) => formatHash("import", id)}
      />
    </>
  );
}
