import { z } from "zod";
import { registryAbilities } from "../domain/registry-view.ts";

const findingSchema = z.looseObject({ status: z.string(), detail: z.string(), hint: z.string().optional() });

/** What `POST /api/registries/{host}/check` answers: only what is shown is checked, and what a newer service adds is kept. */
export const checkedRegistrySchema = z.looseObject({
  host: z.string(),
  profile: z.string(),
  auth: z.looseObject({
    kind: z.string(),
    username: z.string().optional(),
    secret: z.string().optional(),
    clientId: z.string().optional(),
    tenantId: z.string().optional(),
  }),
  pauses: z.array(z.looseObject({ requests: z.string(), until: z.string(), reason: z.string() })).default([]),
  check: z.looseObject({
    signIn: findingSchema,
    pull: findingSchema,
    push: findingSchema,
    list: findingSchema,
  }),
});
export type CheckedRegistryRecord = Readonly<z.infer<typeof checkedRegistrySchema>>;

/** Whether an import would meet a refusal. That a registry does not list its repositories is none. */
export function isUsable({ check }: CheckedRegistryRecord): boolean {
  return registryAbilities.every((ability) => ability === "list" || check[ability].status !== "failing");
}
