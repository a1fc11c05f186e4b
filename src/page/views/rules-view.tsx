import type { Rule } from "../../domain/rule-schema.ts";
import { useResource } from "../data/use-resource.ts";
import { Badge } from "../parts/badge.tsx";
import { EnableButton } from "../parts/enable-button.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { formatHash } from "../routing.ts";

/** The rules by which pushes start imports, by name. */
export function RulesView() {
  const snapshot = useResource<{ readonly rules: readonly Rule[] }>("/api/rules", () => "idle");
  const rules = snapshot.value?.rules;
  return (
    <>
      <div class="title">
        <h1>Rules</h1>
        <a class="button primary" href={formatHash("rule")}>
          Make a rule
        </a>
      </div>
      <SnapshotState snapshot={snapshot} />
      {rules?.length === 0 && (
        <p class="card">
          No rule yet. A rule imports what is pushed to matching repositories, as soon as the source registry tells of
          it by Event Grid or a webhook.
        </p>
      )}
      {rules !== undefined && rules.length > 0 && <RuleTable rules={rules} />}
    </>
  );
}

function RuleTable({ rules }: { readonly rules: readonly Rule[] }) {
  return (
    <table class="rows">
      <caption class="unseen">Rules by name</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Rule</th>
          <th scope="col">Change</th>
        </tr>
      </thead>
      <tbody>
        {rules.map((rule) => (
          <tr key={rule.name}>
            <td>
              <Badge text={rule.enabled ? "Enabled" : "Disabled"} tone={rule.enabled ? "good" : "neutral"} />
            </td>
            <td class="places">
              <a href={formatHash("rule", rule.name)}>{rule.name}</a>
              <span class="to">
                {rule.source.registry}/{rule.source.repositories.join(", ")} →{" "}
                {rule.target.registry ?? "the service's default"}/{rule.target.repository}
              </span>
            </td>
            <td>
              <EnableButton<Rule>
                path={`/api/rules/${rule.name}`}
                name={rule.name}
                isEnabled={rule.enabled}
                toBody={(stored, enabled) => ({ ...stored, enabled })}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
