import type { ImportState } from "../domain/import-record.ts";

export interface StateLook {
  readonly tone: "running" | "good" | "bad" | "neutral";
  readonly hasEnded: boolean;
}

/** How each state looks; a new one does not compile until it has a line here. */
export const stateLooks: Readonly<Record<ImportState, StateLook>> = {
  Accepted: { tone: "running", hasEnded: false },
  Resolving: { tone: "running", hasEnded: false },
  Copying: { tone: "running", hasEnded: false },
  Publishing: { tone: "running", hasEnded: false },
  Verifying: { tone: "running", hasEnded: false },
  Succeeded: { tone: "good", hasEnded: true },
  Skipped: { tone: "neutral", hasEnded: true },
  Failed: { tone: "bad", hasEnded: true },
  Cancelled: { tone: "neutral", hasEnded: true },
};
