import type { Rule } from "../../domain/rule-schema.ts";
import { useResource } from "../data/use-resource.ts";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { EnableButton } from "../parts/enable-button.tsx";
import { RowsTable } from "../parts/rows-table.tsx";
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
        <Empty title="No rule yet.">
          A rule imports what is pushed to matching repositories, as soon as the source registry tells of it by Event
          Grid or a webhook.
        </Empty>
      )}
      {rules !== undefined && rules.length > 0 && <RuleTable rules={rules} />}
    </>
  );
}

const columns = [
  { name: "State", look: "state" },
  { name: "Rule", look: "places" },
  { name: "Change", look: "short" },
] as const;

function RuleTable({ rules }: { readonly rules: readonly Rule[] }) {
  return (
    <RowsTable
      caption="Rules by name"
      columns={columns}
      rows={rules.map((rule) => ({
        key: rule.name,
        cells: [
          <Badge key="state" text={rule.enabled ? "Enabled" : "Disabled"} tone={rule.enabled ? "good" : "neutral"} />,
          <>
            <a href={formatHash("rule", rule.name)}>{rule.name}</a>
            <span class="to clamped">
              {rule.source.registry}/{rule.source.repositories.join(", ")} →{" "}
              {rule.target.registry ?? "the service's default"}/{rule.target.repository}
            </span>
          </>,
          <EnableButton<Rule>
            key="change"
            path={`/api/rules/${rule.name}`}
            name={rule.name}
            isEnabled={rule.enabled}
            toBody={(stored, enabled) => ({ ...stored, enabled })}
          />,
        ],
      }))}
    />
  );
}
