import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { formatImport } from "../../../src/domain/import-view.ts";
import { formatCommand, requestLike } from "../../../src/page/commands.ts";
import { aRecord as anAnswer, startFakeApi } from "../cli/fake-api.ts";
import { runCli } from "../cli/run-cli.ts";
import { aRecord, aSpec, digestNamed } from "../domain/records.ts";

/** The arguments that a POSIX shell makes of a command. */
function argumentsOf(command: string): readonly string[] {
  const script = `drayage() { printf '%s\\0' "$@"; }\n${command}`;
  return execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
}

describe("a command of the dashboard", () => {
  it("sends, through a shell and this client, the very request that curl would", async () => {
    const spec = aSpec({
      source: { registry: "ghcr.io", repository: "team/app", tag: "1", digest: digestNamed("pinned") },
      platforms: [{ os: "linux", architecture: "arm64", variant: "v8" }],
      ...{ conflict: "skipIfSame", sparseIndex: true, foreignLayers: "skip", verify: "full", timeoutSeconds: 7_200 },
      referrers: { artifactTypes: ["application/spdx+json", "a/b;c='d'"] },
      labels: { team: "it's $HOME", note: "a=b", empty: "" },
    });
    const request = requestLike(formatImport(aRecord({ spec }), undefined, "")) ?? expect.fail("it could be read");
    await using api = await startFakeApi(() => ({ body: anAnswer({ state: "Succeeded" }) }));

    await runCli([...argumentsOf(formatCommand(request) ?? ""), "--endpoint", api.endpoint]);

    expect(api.seen[0]?.body).toEqual(request);
  });
});
