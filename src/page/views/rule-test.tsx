import { useState } from "preact/hooks";
import type { TestRuleAnswer } from "../../domain/rule-test.ts";
import { type Attempt, useAttempt } from "../data/use-attempt.ts";
import { parseEvents } from "../event-text.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { ChoiceField } from "../parts/choice-field.tsx";
import { policyNames } from "../parts/conflict-choice.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { Notice } from "../parts/notice.tsx";
import { TextField } from "../parts/text-field.tsx";

interface SamplePush {
  readonly repository: string;
  readonly tag: string;
  /** As Event Grid delivers it, as JSON; it wins over the others. */
  readonly event: string;
  /** Of the events in it, if there are several. */
  readonly which: string;
}

export interface RuleTestProps {
  /** The API's address of the rule; undefined: it has no name yet. */
  readonly path: string | undefined;
  /** What the form says by now. */
  readonly rule: object;
  /** Whether an answer is about the rule, not about the push. */
  readonly isOfRule: (attempt: Attempt) => boolean;
  readonly onTested: (attempt: Attempt) => void;
}

/** Says what a push would do by the rule as it stands in the form, saved or not; starts and stores nothing. */
export function RuleTest({ path, rule, isOfRule, onTested }: RuleTestProps) {
  const { isBusy, attempt, run } = useAttempt();
  const [push, setPush] = useState<SamplePush>({ repository: "", tag: "latest", event: "", which: "0" });
  const [answer, setAnswer] = useState<TestRuleAnswer | undefined>();
  const pasted = push.event.trim() === "" ? undefined : parseEvents(push.event);
  const events = pasted === undefined || typeof pasted === "string" ? [] : pasted;
  const event = (events[Number(push.which)] ?? events[0])?.event;
  const isFaulty = typeof pasted === "string";
  const test = async () => {
    setAnswer(undefined);
    const told = event === undefined ? { repository: push.repository.trim(), tag: push.tag.trim() } : { event };
    const body = { rule, ...told };
    const outcome = await run<TestRuleAnswer>("Testing", { method: "POST", path: `${path}/test`, body });
    if (outcome.kind === "ok") setAnswer(outcome.value);
    onTested({ what: "Testing", outcome });
  };
  return (
    <section class="card" aria-labelledby="test-title">
      <h2 id="test-title">Test it</h2>
      <p class="help">
        Judges a push by the rule as it stands in the form, saved or not. Nothing is saved or imported, and no registry
        is asked.
      </p>
      <form
        onSubmit={(submitted) => {
          submitted.preventDefault();
          test().catch(reportError);
        }}
      >
        <TextField
          {...{
            name: "repository",
            label: "Pushed repository",
            help: "At the rule's source, e.g. team/web.",
            lines: "one",
          }}
          value={push.repository}
          isRequired={pasted === undefined}
          fault={undefined}
          onChange={(repository) => setPush({ ...push, repository })}
        />
        <TextField
          {...{ name: "tag", label: "Pushed tag", help: "e.g. 2.1", lines: "one", value: push.tag }}
          isRequired={pasted === undefined}
          fault={undefined}
          onChange={(tag) => setPush({ ...push, tag })}
        />
        <details>
          <summary>A whole event instead</summary>
          <TextField
            {...{ name: "event", label: "Event", help: "JSON, as Event Grid delivers it.", lines: "several" }}
            value={push.event}
            fault={isFaulty ? pasted : undefined}
            onChange={(text) => setPush({ ...push, event: text, which: "0" })}
          />
          {events.length > 1 && (
            <ChoiceField
              {...{ name: "which", label: "Which event", value: push.which }}
              choices={Object.fromEntries(events.map(({ name }, at) => [String(at), `${at + 1}: ${name}`]))}
              onChange={(which) => setPush({ ...push, which })}
            />
          )}
        </details>
        <ActionButton type="submit" isBusy={isBusy || isFaulty || path === undefined}>
          Test
        </ActionButton>
        {path === undefined && <p class="help">The rule needs a name first.</p>}
      </form>
      {attempt !== undefined && !isOfRule(attempt) && <FailedOutcome {...attempt} />}
      {answer !== undefined && <Answer answer={answer} />}
    </section>
  );
}

function Answer({ answer: { matches, reason, import: planned, warnings } }: { readonly answer: TestRuleAnswer }) {
  const title = planned === undefined ? "Nothing would be imported" : "It would be imported";
  return (
    <Notice tone={planned === undefined ? "neutral" : "good"} title={title}>
      {reason !== undefined && (
        <p>
          {matches ? "The rule matches, but: " : ""}
          {reason}
        </p>
      )}
      {planned !== undefined && (
        <Facts
          facts={[
            ["Source", planned.source],
            [
              "Target",
              [...planned.targetTags, ...planned.untaggedTargetRepositories]
                .map((place) => `${planned.target}/${place}`)
                .join(", "),
            ],
            ["If a tag exists", policyNames[planned.conflict]],
          ]}
        />
      )}
      {warnings.length > 0 && (
        <ul>
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
