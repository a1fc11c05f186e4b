import { type AllowSettings, isAllowedSource, isAllowedTarget } from "../../domain/allow-list.ts";
import type { RegistryCheck, RegistryFinding } from "../../domain/registry-view.ts";
import { definedOnly, ImportError, toImportError } from "../../errors.ts";
import { listRepositoryPages } from "../../registry/catalog.ts";
import { codeOf } from "../../registry/errors-from-response.ts";
import { firstPage } from "../../registry/list-pages.ts";
import { headManifest } from "../../registry/manifests.ts";
import { placeOfAccess } from "../../registry/place-of-access.ts";
import type { Registry, Repository } from "../../registry/registry.ts";
import { startUpload } from "../../registry/uploads.ts";
import type { GiveUp } from "../../transfer/upload-canceller.ts";
import type { OpenRepositories } from "../open-repositories.ts";

export interface CheckRegistryDeps {
  readonly repositories: Pick<OpenRepositories, "registryOf" | "sourceOf">;
  readonly allow: AllowSettings;
  /** For all of a check. */
  readonly checkMs: number;
  readonly giveUp: GiveUp;
  readonly now: () => Date;
}

/**
 * Tries what imports need at a registry, in bounded time, and leaves nothing there. Without a repository only signing in and
 * listing can be tried: rights are those of a repository.
 */
export type CheckRegistry = (host: string, repository: string | undefined) => Promise<RegistryCheck>;

export function createCheckRegistry({ repositories, allow, checkMs, giveUp, now }: CheckRegistryDeps): CheckRegistry {
  return async (host, repository) => {
    const signal = AbortSignal.timeout(checkMs);
    const isSource = isAllowedSource(host, allow);
    const registry = isSource ? repositories.sourceOf(host) : repositories.registryOf(host);
    const base = { ...definedOnly({ repository }), checkedAt: now().toISOString() };

    const signIn = await checkSignIn(registry, signal);
    if (signIn.status === "failing") {
      const untried = unchecked("not tried, since signing in fails");
      return { ...base, signIn, pull: untried, push: untried, list: untried };
    }
    const [pull, push, list] = await Promise.all([
      repository === undefined ? unnamed : checkPull(registry, repository, signal),
      checkPush(
        { giveUp, target: isAllowedTarget(host, allow) ? repositories.registryOf(host) : undefined },
        repository,
        signal,
      ),
      isSource ? checkList(registry, signal) : unchecked("the settings do not allow imports from it"),
    ]);
    return { ...base, signIn, pull, push, list };
  };
}

const unnamed = unchecked("name a repository to see: rights are those of a repository");

/** Some registries give a token to nobody who asks for no repository (GHCR), and yet let everybody pull. */
async function checkSignIn(registry: Registry, signal: AbortSignal): Promise<RegistryFinding> {
  const isAnonymous = registry.access.credentials.kind === "anonymous";
  const finding = await find(async () => {
    const scheme = await registry.ping(signal);
    if (isAnonymous) return ok("it lets in whoever does not sign in");
    return ok(
      scheme === "none" ? "it asks nobody to sign in: the credentials are not used" : "it takes the credentials",
    );
  });
  const isRefusal = finding.code !== undefined && /_(UNAUTHORIZED|FORBIDDEN)$/.test(finding.code);
  if (!isAnonymous || !isRefusal) return finding;
  return unchecked("it wants a sign-in, and the settings have none for it", finding.hint);
}

function checkPull(registry: Registry, name: string, signal: AbortSignal): Promise<RegistryFinding> {
  return find(async () => {
    const head = await headManifest(triedOnce(registry.repository(name, ["pull"])), "latest", signal);
    if (head !== undefined) return ok(`${name} may be read`);
    return ok(`nothing refuses it; ${name} has no tag latest, or is not there`);
  });
}

async function checkPush(
  { giveUp, target }: { readonly giveUp: GiveUp; readonly target: Registry | undefined },
  name: string | undefined,
  signal: AbortSignal,
): Promise<RegistryFinding> {
  if (target === undefined) {
    const hint = "the operator can add it to ALLOWED_TARGETS";
    return unchecked("the settings do not allow imports into it", hint);
  }
  if (name === undefined) return unnamed;
  return await find(async () => {
    const granted = await target.grantsIn(name, ["pull", "push"], signal);
    if (granted === undefined) return await tryUpload({ giveUp, target }, name, signal);
    if (granted.includes("push") || granted.includes("*")) return ok(`its tokens grant pushes to ${name}`);
    throw new ImportError({
      ...placeOfAccess(target.access),
      code: codeOf(target.access, "FORBIDDEN"),
      what: `its tokens grant ${granted.length === 0 ? "nothing" : `${granted.join(", ")} alone`} in ${name}`,
      hint: "give the account the right to push (ACR: AcrPush, or Container Registry Repository Writer)",
    });
  });
}

/** Where no token tells the rights. An upload that is cancelled leaves nothing. */
async function tryUpload(
  { giveUp, target }: { readonly giveUp: GiveUp; readonly target: Registry },
  name: string,
  signal: AbortSignal,
): Promise<RegistryFinding> {
  const repository = triedOnce(target.repository(name, ["pull", "push"]));
  await giveUp(repository, await startUpload(repository, signal));
  return ok(`an upload to ${name} was opened and cancelled`);
}

function checkList(registry: Registry, signal: AbortSignal): Promise<RegistryFinding> {
  return find(async () => {
    const sendToCatalog = once(registry.sendToCatalog);
    await listRepositoryPages({ ...registry, sendToCatalog }, firstPage, signal).next();
    return ok("it lists its repositories");
  });
}

/** A check tells what it has met, rather than wait and try again. */
function once(send: Repository["send"]): Repository["send"] {
  return (request, signal) => send({ ...request, retry: "once" }, signal);
}

function triedOnce(repository: Repository): Repository {
  return { ...repository, send: once(repository.send) };
}

async function find(look: () => Promise<RegistryFinding>): Promise<RegistryFinding> {
  try {
    return await look();
  } catch (thrown) {
    if (isTimeout(thrown)) return { status: "failing", detail: "it did not answer in time, or is paused" };
    const { code, message, hint, side, registry } = toImportError(thrown).toWire();
    // It is neither source nor target of anything, and whoever asks knows which one it is.
    const place = `${side} ${registry}: `;
    const detail = message.startsWith(place) ? message.slice(place.length) : message;
    return { status: "failing", detail, code, ...definedOnly({ hint }) };
  }
}

function ok(detail: string): RegistryFinding {
  return { status: "ok", detail };
}

function unchecked(detail: string, hint?: string): RegistryFinding {
  return { status: "unchecked", detail, ...definedOnly({ hint }) };
}

function isTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "TimeoutError";
}
