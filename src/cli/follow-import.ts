import { hasEnded } from "../domain/import-record.ts";
import type { ApiClient } from "./api-client.ts";
import type { ImportView } from "./api-records.ts";
import type { CliIo } from "./cli-io.ts";
import { exitCodeOfImport, exitCodes } from "./exit-codes.ts";
import type { FollowedCommand } from "./follow-command.ts";
import { printJson } from "./print-json.ts";
import { formatDirection, formatOutcome, formatProgressLine, renderLive } from "./progress-display.ts";

export interface FollowedImportDeps {
  readonly client: Pick<ApiClient, "getImport">;
  readonly io: CliIo;
  /** Whether the command brought credentials for the source. */
  readonly credentials: "brought" | "none";
}

/** An import as `drayage import` and `drayage retry` follow it. */
export function createFollowedImport({ client, io, credentials }: FollowedImportDeps): FollowedCommand<ImportView> {
  return {
    noun: "import",
    commands: { show: "drayage show", cancel: "drayage cancel", list: "drayage list" },
    hasEnded: ({ state }) => hasEnded(state),
    look: client.getImport,
    views: {
      live: renderLive,
      head: (record) => `Import ${record.id}  ${formatDirection(record)}`,
      line: (record) => (hasEnded(record.state) ? undefined : formatProgressLine(record)),
    },
    conclude: async (record, format) => {
      const exitCode = exitCodeOfImport(record.state, record.error?.code) ?? exitCodes.done;
      if (format === "json") printJson(io, record);
      else (exitCode === exitCodes.done ? io.stdout : io.stderr).write(formatOutcome(record, credentials));
      return exitCode;
    },
  };
}
