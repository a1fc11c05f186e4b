import { useEffect, useRef, useState } from "preact/hooks";
import type { Trigger } from "../../domain/import-record.ts";
import { type FilterName, fromLocalInput, type ImportFilter, toLocalInput } from "../import-filter.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { errorRows } from "../parts/cure.tsx";
import { stateLooks } from "../tones.ts";

const triggerNames: Readonly<Record<Trigger["kind"], string>> = {
  http: "HTTP",
  queue: "Queue",
  eventGrid: "Event",
  webhook: "Webhook",
  schedule: "Schedule",
  promotion: "Promotion",
  arm: "ARM",
};

export interface ImportFilterFormProps {
  readonly filter: ImportFilter;
  /** `same`: a time is settled bit by bit, and going back means where one was before. */
  readonly onChange: (filter: ImportFilter, entry: "new" | "same") => void;
}

/** Narrows the list; each change counts when it is made, texts when they are left or entered. */
export function ImportFilterForm({ filter, onChange }: ImportFilterFormProps) {
  const set = (name: FilterName, value: string, entry: "new" | "same" = "new") =>
    onChange({ ...filter, [name]: value.trim() }, entry);
  const isNarrowed = Object.values(filter).some((value) => value !== "");
  return (
    <search>
      <details class="filter-box" open={isNarrowed || isWide()}>
        <summary>Filter</summary>
        <form class="filters" onSubmit={(event) => event.preventDefault()}>
          <Choice label="State" value={filter.state} options={stateOptions} onChange={(to) => set("state", to)} />
          <Choice
            label="Trigger"
            value={filter.trigger}
            options={Object.entries(triggerNames)}
            onChange={(to) => set("trigger", to)}
          />
          <Choice label="Error" value={filter.error} options={errorOptions} onChange={(to) => set("error", to)} />
          <Field label="Source registry" value={filter.source} hint="docker.io" onChange={(to) => set("source", to)} />
          <Field
            label="Target registry"
            value={filter.target}
            hint="prod.azurecr.io"
            onChange={(to) => set("target", to)}
          />
          <Field
            label="Repository"
            value={filter.repository}
            hint="team/app"
            onChange={(to) => set("repository", to)}
          />
          <Field label="Label" value={filter.label} hint="team=web" onChange={(to) => set("label", to)} />
          <Moment label="Created from" value={filter.since} onChange={(to) => set("since", to, "same")} />
          <Moment label="Created before" value={filter.until} onChange={(to) => set("until", to, "same")} />
          <Moment label="Ended from" value={filter.endedSince} onChange={(to) => set("endedSince", to, "same")} />
          <ActionButton isBusy={!isNarrowed} onClick={() => onChange(noFilter, "new")}>
            Show all
          </ActionButton>
        </form>
      </details>
    </search>
  );
}

/** On a narrow screen the filters would push the list away. */
function isWide(): boolean {
  return window.matchMedia("(min-width: 48rem)").matches;
}

const stateOptions = Object.keys(stateLooks).map((state) => [state, state] as const);
const errorOptions = errorRows.map(({ code }) => [code, code] as const);
const noFilter: ImportFilter = {
  state: "",
  trigger: "",
  error: "",
  source: "",
  target: "",
  repository: "",
  label: "",
  since: "",
  until: "",
  endedSince: "",
};

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Choice({
  label,
  value,
  options,
  onChange,
}: FieldProps & { readonly options: readonly (readonly [string, string])[] }) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">Any</option>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is typed is its own until it counts: the page around it may be drawn anew at any time. */
function Field({ label, value, hint, onChange }: FieldProps & { readonly hint: string }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <label>
      <span>{label}</span>
      <input
        type="text"
        value={typed}
        placeholder={hint}
        autocapitalize="off"
        spellcheck={false}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  );
}

/** The browser tells of every digit that is typed: a time counts once it is left or entered. */
function Moment({ label, value, onChange }: FieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const shown = toLocalInput(value);
  useEffect(() => {
    if (input.current !== null) input.current.value = shown;
  }, [shown]);
  const settle = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => {
    // One that is filled in half has no value, either: it is no wish to look everywhere.
    if (currentTarget.value !== shown && !currentTarget.validity.badInput)
      onChange(fromLocalInput(currentTarget.value));
  };
  return (
    <label>
      <span>{label}</span>
      <input
        ref={input}
        type="datetime-local"
        onBlur={settle}
        onKeyDown={(event) => {
          if (event.key === "Enter") settle(event);
        }}
      />
    </label>
  );
}
