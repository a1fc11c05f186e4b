import type { HttpRequest } from "@azure/functions";
import { z } from "zod";
import { readHookBody } from "../../domain/hook-body.ts";
import { type HookKind, hookKindSchema } from "../../domain/hook-kinds.ts";
import type { HookSecrets } from "../../domain/hook-secrets.ts";
import { importIdSchema } from "../../domain/import-id.ts";
import { registryOf } from "../../domain/registry-event.ts";
import { ImportError } from "../../errors.ts";
import type { Log } from "../log.ts";
import type { AcceptPush, CausedImport } from "../rules/accept-push.ts";
import { bringsSecret } from "./hook-secret.ts";
import { type DurableHttpHandler, json } from "./http-answer.ts";
import { parseJsonBody } from "./read-body.ts";
import { readQuery } from "./read-query.ts";

export interface PostHookDeps {
  readonly secrets: HookSecrets;
  readonly acceptPush: AcceptPush;
  readonly log: Log;
}

export const hookQuerySchema = z.strictObject({
  registry: z
    .string()
    .max(300)
    .optional()
    .describe("harbor, distribution: host of the registry, where its own word for itself is another one."),
  secret: z.string().max(1_000).optional().describe("dockerhub only: the secret, since it can send no header."),
});

export const hookAnswerSchema = z.strictObject({
  imports: z.array(z.strictObject({ rule: z.string(), importId: importIdSchema })),
  ignored: z.int().describe("Events that start nothing; the log says why."),
});

const maxBodyChars = 1_000_000; // distribution packs many events into one body

/** `POST /api/hooks/{kind}`: pushes that a registry tells of itself. 503 where storage fails: the sender may repeat it. */
export function createPostHook({ secrets, acceptPush, log }: PostHookDeps): DurableHttpHandler {
  let refused = 0;
  return async (request, durable) => {
    const kind = readKind(request, secrets);
    if (!bringsSecret(request, kind, secrets[kind] ?? [])) {
      refused += 1;
      log("hook-refused", { kind, refused }); // without anything that was sent
      throw unauthorized(kind);
    }
    const registry = readRegistry(readQuery(request, hookQuerySchema).registry);
    const events = readHookBody(kind, await readBody(request), registry);
    const imports: CausedImport[] = [];
    const faults: unknown[] = [];
    let ignored = 0;
    for (const event of events) {
      try {
        const caused = await acceptPush(event, "webhook", durable);
        imports.push(...caused);
        if (caused.length === 0) ignored += 1;
      } catch (thrown) {
        faults.push(thrown); // the others of the body have their turn all the same
      }
    }
    if (faults.length > 0) throw faults[0];
    return json(200, { imports, ignored } satisfies z.infer<typeof hookAnswerSchema>);
  };
}

function readKind(request: HttpRequest, secrets: HookSecrets): HookKind {
  const kind = hookKindSchema.safeParse(request.params.kind?.toLowerCase());
  if (kind.success && (secrets[kind.data] ?? []).length > 0) return kind.data;
  const name = kind.success ? kind.data : "of this kind";
  throw new ImportError({
    code: "HOOK_NOT_FOUND",
    stage: "accept",
    what: kind.success ? `webhooks of ${name} are not taken here` : "there are no webhooks of this kind",
    hint: kind.success
      ? `the operator can set a secret for ${name} in HOOK_SECRETS`
      : `known are ${hookKindSchema.options.join(", ")}`,
  });
}

async function readBody(request: HttpRequest): Promise<unknown> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  const text = announced > maxBodyChars * 4 ? undefined : await request.text();
  if (text !== undefined && text.length <= maxBodyChars) return parseJsonBody(text);
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    what: `the body has more than ${maxBodyChars} characters`,
  });
}

function readRegistry(text: string | undefined): string | undefined {
  const registry = text === undefined ? undefined : registryOf(text);
  if (text === undefined || registry !== undefined) return registry;
  throw new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "registry",
    what: "registry: is no host[:port]",
  });
}

function unauthorized(kind: HookKind): ImportError {
  return new ImportError({
    code: "UNAUTHORIZED",
    stage: "accept",
    what: "the webhook brings no secret, or a wrong one",
    hint: `send the one of HOOK_SECRETS for ${kind}: docs/triggers.md says how`,
  });
}
