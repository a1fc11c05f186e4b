import { z } from "zod";

/** Senders of webhooks that are understood. */
export const hookKinds = ["acr", "dockerhub", "harbor", "distribution"] as const;
export const hookKindSchema = z.enum(hookKinds);
export type HookKind = z.infer<typeof hookKindSchema>;
