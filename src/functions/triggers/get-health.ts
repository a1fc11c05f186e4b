import { z } from "zod";
import { toImportError } from "../../errors.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Open } from "../../store/open.ts";
import { type HttpHandler, json } from "./http-answer.ts";

export interface GetHealthDeps {
  readonly open: Pick<Open, "readStopped">;
  readonly transactions: () => number;
  /** Registries that the settings name. */
  readonly registries: () => readonly Registry[];
  readonly now: () => number;
}

const partSchema = z.strictObject({
  status: z.enum(["ok", "failing"]),
  detail: z.string().optional(),
});

export const healthSchema = z
  .strictObject({
    status: z.enum(["ok", "failing"]).describe("failing: imports cannot be accepted."),
    storage: partSchema.extend({ transactions: z.int().describe("Since this process started.") }),
    registries: z
      .record(z.string(), partSchema.pick({ status: true }))
      .describe(
        "Named in the settings; looked at every 30 s at most. Why one fails tells POST /api/registries/{host}/check.",
      ),
  })
  .meta({ id: "Health" });
type Part = z.infer<typeof partSchema>;
type RegistryParts = Readonly<Record<string, Pick<Part, "status">>>;

const cacheMs = 30_000; // the route is open to everybody and must not become a way to load registries
const checkMs = 5_000;

/** `GET /api/health`: 200, or 503 when storage does not work. A registry that does not answer is said, no failure. */
export function createGetHealth({ open, transactions, registries, now }: GetHealthDeps): HttpHandler {
  let cached: { readonly atMs: number; readonly parts: Promise<RegistryParts> } | undefined;
  const registryParts = () => {
    if (cached === undefined || now() - cached.atMs > cacheMs) cached = { atMs: now(), parts: checkAll(registries()) };
    return cached.parts;
  };
  return async () => {
    const [storage, parts] = await Promise.all([check(() => open.readStopped()), registryParts()]);
    const { status } = storage;
    const body = { status, storage: { ...storage, transactions: transactions() }, registries: parts };
    return json(status === "ok" ? 200 : 503, body, { "cache-control": "no-store" });
  };
}

async function checkAll(registries: readonly Registry[]): Promise<RegistryParts> {
  const parts = registries.map(async (registry) => [registry.access.registry, await checkRegistry(registry)] as const);
  return Object.fromEntries(await Promise.all(parts));
}

/**
 * Whether the API is there and takes our credentials ("Determining Support", OCI distribution-spec 1.1). The reason is left
 * out: the route is open to everybody, and what a registry answers is the business of those who have a key.
 */
async function checkRegistry(registry: Registry): Promise<Pick<Part, "status">> {
  const { status } = await check(() => registry.ping(AbortSignal.timeout(checkMs)));
  return { status };
}

async function check(work: () => Promise<unknown>): Promise<Part> {
  try {
    await work();
    return { status: "ok" };
  } catch (thrown) {
    return { status: "failing", detail: toImportError(thrown).message };
  }
}
