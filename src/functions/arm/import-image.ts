import { createHash } from "node:crypto";
import type { HttpRequest } from "@azure/functions";
import { parseImportImage } from "../../domain/arm-import.ts";
import type { ArmRegistries } from "../../domain/arm-registries.ts";
import { createImportId, type ImportId } from "../../domain/import-id.ts";
import type { RequestSettings } from "../../domain/import-request.ts";
import type { ImportSpec } from "../../domain/import-spec.ts";
import type { Imports } from "../../store/imports.ts";
import type { Keys } from "../../store/keys.ts";
import type { StartImport } from "../start-import.ts";
import { readJsonBody } from "../triggers/read-body.ts";
import type { WaitForEnd } from "../wait-for-end.ts";
import type { ArmHandler } from "./arm-answer.ts";
import type { AnswerOperation } from "./operation-answer.ts";
import { readRegistry } from "./read-path.ts";

export interface ImportImageDeps {
  readonly known: ArmRegistries;
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED. */
  readonly assertAllowed: (spec: ImportSpec) => void;
  /** Throws when credentials cannot be sealed, for want of a key. */
  readonly assertMaySeal: () => void;
  readonly keys: Pick<Keys, "claim">;
  readonly imports: Pick<Imports, "read">;
  readonly startImport: Pick<StartImport, "accept">;
  readonly waitForEnd: WaitForEnd;
  readonly answerOperation: AnswerOperation;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => Date;
}

/** ACR answers small images at once too. Well below the time-outs of clients and of what stands in between. */
const waitSeconds = 10;

/**
 * `POST …/registries/{name}/importImage`: 200 when the import ends within seconds, else 202 with the address of the
 * operation, both as ACR does. `Prefer: respond-async` (RFC 7240) does not wait.
 */
export function createImportImage(deps: ImportImageDeps): ArmHandler {
  const { known, settings, assertAllowed, assertMaySeal, startImport, waitForEnd, answerOperation, now } = deps;
  return async (request, caller, durable) => {
    const registry = readRegistry(request, known);
    const parsed = parseImportImage(await readJsonBody(request), registry.host, settings, known);
    assertAllowed(parsed.spec);
    if (parsed.credentials !== undefined) assertMaySeal();
    const causedAt = now();
    const id = await claimId(deps, { request, caller, spec: parsed.spec, causedAt });
    const ref = clientRequestId(request)?.slice(0, maxRefChars);
    const trigger = { kind: "arm", ...(ref === undefined ? {} : { ref }) } as const;
    const { record } = await startImport.accept({ id, trigger, request: parsed, causedAt }, durable());
    const isAsync = /\brespond-async\b/i.test(request.headers.get("prefer") ?? "");
    return await answerOperation(isAsync ? record : await waitForEnd(record, waitSeconds), request);
  };
}

const maxRefChars = 200;
const repeatMs = 10 * 60_000;

interface Asked {
  readonly request: HttpRequest;
  readonly caller: string;
  readonly spec: ImportSpec;
  readonly causedAt: Date;
}

/**
 * A client that gets no answer sends the same request again, under the same id: it is to find the import that the first
 * one began, not a tag that exists because of it. A request is the same one if its ids and what it asks for are: an id
 * that somebody gives to many requests must not mix them up. Clients repeat within minutes; what comes under a fixed id
 * later, when that import is over, is meant as a new one.
 */
async function claimId({ keys, imports, randomBytes }: ImportImageDeps, asked: Asked): Promise<ImportId> {
  const { request, caller, spec, causedAt } = asked;
  const fresh = createImportId(causedAt, randomBytes(16));
  const ids = idHeaders.map((name) => request.headers.get(name) ?? "");
  if (ids.every((id) => id === "")) return fresh;
  // Without the credentials: no hash of a password is kept.
  const bodyHash = createHash("sha256").update(JSON.stringify(spec)).digest("hex");
  const key = JSON.stringify([...ids, bodyHash]);
  const claimed = await keys.claim({ caller: `arm ${caller}`, key, bodyHash, importId: fresh, now: causedAt });
  if (claimed === "other-body" || claimed.isNew) return fresh;
  const before = await imports.read(claimed.importId);
  const endedAt = before?.record.finishedAt;
  const isOver = endedAt !== undefined && causedAt.getTime() - Date.parse(endedAt) > repeatMs;
  return isOver ? fresh : claimed.importId;
}

const idHeaders = ["x-ms-client-request-id", "x-ms-correlation-request-id"] as const;

function clientRequestId(request: HttpRequest): string | undefined {
  return idHeaders.map((name) => request.headers.get(name)).find((id) => id !== null && id !== "") ?? undefined;
}
