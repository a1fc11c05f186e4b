import { formatAccount } from "../domain/registry-account.ts";
import { registryAbilities } from "../domain/registry-view.ts";
import { printable } from "../printable.ts";
import type { CheckedRegistryRecord } from "./registry-records.ts";

const marks: Readonly<Record<string, string>> = { ok: "✓", failing: "✗" };
const unchecked = "–";
const names = { signIn: "sign-in", pull: "pull", push: "push", list: "list" } as const;
const nameColumns = 9; // of the longest name, and two spaces

/** The registry, a line for each ability, and the cures below what does not work. */
export function formatCheck({ host, profile, auth, pauses, check }: CheckedRegistryRecord): string {
  const lines = [`${host}  ${profile}, signs in as ${formatAccount(auth)}`];
  for (const ability of registryAbilities) {
    const { status, detail, hint } = check[ability];
    lines.push(`  ${marks[status] ?? unchecked} ${names[ability].padEnd(nameColumns)}${detail}`);
    if (hint !== undefined && !detail.includes(hint)) lines.push(`${" ".repeat(nameColumns + 4)}${hint}`);
  }
  for (const { requests, until, reason } of pauses)
    lines.push(`  ! paused   ${requests === "all" ? "all" : requests} requests until ${until}, because ${reason}`);
  return lines.map((line) => `${printable(line)}\n`).join("");
}
