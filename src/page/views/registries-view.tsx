import { useState } from "preact/hooks";
import { formatBytes } from "../../domain/quantities.ts";
import { formatAccount } from "../../domain/registry-account.ts";
import type { CheckedRegistry, RegistryCheck, RegistryView } from "../../domain/registry-view.ts";
import { useAttempt } from "../data/use-attempt.ts";
import { useResource } from "../data/use-resource.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { Badge } from "../parts/badge.tsx";
import { Empty } from "../parts/empty.tsx";
import { Facts } from "../parts/facts.tsx";
import { FailedOutcome } from "../parts/failed-outcome.tsx";
import { Notice } from "../parts/notice.tsx";
import { SnapshotState } from "../parts/snapshot-state.tsx";
import { Time } from "../parts/time.tsx";
import { formatHash } from "../routing.ts";
import type { Tone } from "../tones.ts";

/** The registries that the settings name: how the service signs in, what it may do there, and what holds it back. */
export function RegistriesView() {
  const snapshot = useResource<{ readonly registries: readonly RegistryView[] }>("/api/registries", () => "idle");
  const registries = snapshot.value?.registries;
  return (
    <>
      <h1>Registries</h1>
      <SnapshotState snapshot={snapshot} />
      {registries?.length === 0 && (
        <Empty title="The settings name no registry.">
          <code>REGISTRIES</code>, <code>DEFAULT_TARGET</code>, <code>ALLOWED_SOURCES</code> and{" "}
          <code>ALLOWED_TARGETS</code> do.
        </Empty>
      )}
      <div class="pair">
        {registries?.map((registry) => (
          <RegistryCard key={registry.host} registry={registry} />
        ))}
      </div>
    </>
  );
}

function RegistryCard({ registry }: { readonly registry: RegistryView }) {
  const { host, alias, auth, profile, isInsecure, isDefaultTarget, allowedAs, pauses, budgets, learned } = registry;
  const title = `registry-${host}`;
  return (
    <section class="card" aria-labelledby={title}>
      <h2 id={title}>
        {host}
        {alias !== undefined && ` (${alias})`}
      </h2>
      {pauses.map(({ requests, until, reason }) => (
        <Notice key={`${requests} ${until}`} tone="neutral" title={`Paused: ${requests} requests`}>
          <p>
            Until <Time at={until} />: {reason}
          </p>
        </Notice>
      ))}
      <Facts
        facts={[
          ["Signs in as", auth.kind === "anonymous" ? "nobody: no sign-in is set" : formatAccount(auth)],
          ["Kind", profile === "unknown" ? <span class="help">told by its first answer</span> : profile],
          ["Imports may", formatRights(allowedAs, isDefaultTarget)],
          ["Connection", isInsecure ? "plain http" : undefined],
          [
            "Largest upload",
            learned.maxPutBytes === undefined ? undefined : `${formatBytes(learned.maxPutBytes)} at once`,
          ],
          ["Chunks", learned.refusesChunks ? "refused: blobs are sent whole" : undefined],
          ["Budget", budgets.length === 0 ? undefined : <Budgets budgets={budgets} />],
        ]}
      />
      <Check host={host} />
    </section>
  );
}

function Budgets({ budgets }: Pick<RegistryView, "budgets">) {
  return (
    <ul class="lines">
      {budgets.map(({ requests, perMinute, free, waiting }, at) => (
        <li key={at}>
          {Math.floor(free)} of {Math.round(perMinute)} {requests} requests a minute are free
          {waiting > 0 && `, ${waiting} wait`}
        </li>
      ))}
    </ul>
  );
}

/** Asks the registry itself, when somebody wants to know. */
function Check({ host }: { readonly host: string }) {
  const { isBusy, attempt, run } = useAttempt();
  const [repository, setRepository] = useState("");
  const [found, setFound] = useState<RegistryCheck | undefined>();
  const check = async () => {
    const path = `/api/registries/${encodeURIComponent(host)}/check`;
    const body = repository.trim() === "" ? {} : { repository: repository.trim() };
    const outcome = await run<CheckedRegistry>("Checking", { method: "POST", path, body });
    setFound(outcome.kind === "ok" ? outcome.value.check : undefined);
  };
  return (
    <>
      <form
        class="field-and-button"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) check().catch(reportError);
        }}
      >
        <label>
          <span>Repository to try pull and push in</span>
          <input
            type="text"
            value={repository}
            placeholder="team/app"
            autocapitalize="off"
            spellcheck={false}
            onInput={({ currentTarget }) => setRepository(currentTarget.value)}
          />
        </label>
        <ActionButton type="submit" isBusy={isBusy} label={`Check ${host}`}>
          Check
        </ActionButton>
        <span role="status">{isBusy && "Asking the registry…"}</span>
      </form>
      {attempt !== undefined && <FailedOutcome {...attempt} />}
      {found !== undefined && <Findings found={found} />}
    </>
  );
}

const abilities = { signIn: "Sign-in", pull: "Pull", push: "Push", list: "List" } as const satisfies Partial<
  Readonly<Record<keyof RegistryCheck, string>>
>;
const abilityNames = ["signIn", "pull", "push", "list"] as const;
const tones: Readonly<Record<RegistryCheck["pull"]["status"], Tone>> = {
  ok: "good",
  failing: "bad",
  unchecked: "neutral",
};

function Findings({ found }: { readonly found: RegistryCheck }) {
  return (
    <div role="status">
      <p class="help">
        As of <Time at={found.checkedAt} />
      </p>
      <ul class="lines">
        {abilityNames.map((name) => {
          const { status, detail, code, hint } = found[name];
          return (
            <li key={name}>
              <Badge text={status} tone={tones[status]} /> <strong>{abilities[name]}</strong>: {detail}
              {hint !== undefined && !detail.includes(hint) && `; ${hint}`}
              {code !== undefined && (
                <>
                  {" "}
                  <a href={formatHash("errors", code)}>About {code}</a>
                </>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function formatRights(allowedAs: RegistryView["allowedAs"], isDefaultTarget: boolean): string {
  const rights = [
    ...(allowedAs.includes("source") ? ["come from it"] : []),
    ...(allowedAs.includes("target") ? [isDefaultTarget ? "go to it, by default" : "go to it"] : []),
  ];
  return rights.length === 0 ? "neither come from it nor go to it" : rights.join(" and ");
}
