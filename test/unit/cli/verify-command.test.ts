import { describe, expect, it } from "vitest";
import { verificationSchema as readByClient } from "../../../src/cli/verification-record.ts";
import { verificationSchema } from "../../../src/domain/verification.ts";
import { verifyRequestSchema } from "../../../src/domain/verify-request.ts";
import { aProblem, startFakeApi } from "./fake-api.ts";
import { runCli } from "./run-cli.ts";

const digest = (of: string) => `sha256:${of.repeat(64)}`;
const same = {
  same: true,
  source: { registry: "docker.io", repository: "library/alpine", reference: "3.20", digest: digest("a") },
  target: { registry: "prod.example", repository: "alpine", reference: "3.20", digest: digest("a") },
  differences: [],
  omittedDifferences: 0,
  checked: { manifests: 8, blobs: 2, bytes: 0 },
  warnings: [],
};
const different = {
  ...same,
  same: false,
  differences: [
    { kind: "layer", path: "linux/amd64 › layer 2", source: digest("b"), target: digest("c"), message: "not the same" },
    { kind: "child", path: "linux/arm64", source: digest("d"), message: "only the source has it" },
  ],
  omittedDifferences: 3,
  warnings: ["an index lacks the others"],
};
const references = ["docker.io/library/alpine:3.20", "--against", "prod.example/alpine:3.20"];

describe("drayage verify", () => {
  it("reads what the service answers", () => {
    for (const answer of [same, different]) {
      expect(verificationSchema.parse(answer)).toEqual(answer);
      expect(readByClient.parse(answer)).toEqual(answer);
    }
  });

  it("ends with 0 where the images are the same", async () => {
    await using api = await startFakeApi(() => ({ body: { ...same, checked: { ...same.checked, bytes: 2048 } } }));

    const run = await runCli(["verify", ...references, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toBe(
      [
        "Same: 4 manifests and 1 blob on each side, 2.0 KiB read and hashed",
        `  source  docker.io/library/alpine:3.20  ${digest("a")}`,
        `  target  prod.example/alpine:3.20  ${digest("a")}`,
        "",
      ].join("\n"),
    );
  });

  it("ends with 1 where they differ, and says where", async () => {
    await using api = await startFakeApi(() => ({ body: different }));

    const run = await runCli(["verify", ...references, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    expect(run.stdout.split("\n").filter((_, at) => at === 0 || at > 2)).toEqual([
      "Different: 5 differences; 8 manifests and 2 blobs on both sides together",
      "  linux/amd64 › layer 2: not the same",
      `    source  ${digest("b")}`,
      `    target  ${digest("c")}`,
      "  linux/arm64: only the source has it",
      "  and 3 more",
      "  warning: an index lacks the others",
      "",
    ]);
  });

  it("sends what the flags say, and prints the answer with --json", async () => {
    await using api = await startFakeApi(() => ({ body: different }));
    const how = ["--full", "--referrers", "--platform", "linux/amd64,linux/arm64", "--json"];

    const run = await runCli(
      ["verify", ...references, ...how, "-u", "ci", "--password-stdin", "--endpoint", api.endpoint],
      {
        stdin: "s3cret\n",
      },
    );

    expect(api.calls()).toEqual(["POST /api/verify"]);
    expect(verifyRequestSchema.parse(api.seen[0]?.body)).toEqual({
      source: { sourceImage: references[0], credentials: { username: "ci", password: "s3cret" } },
      target: references[2],
      platforms: ["linux/amd64", "linux/arm64"],
      full: true,
      referrers: true,
    });
    expect(JSON.parse(run.stdout)).toEqual(different);
  });

  it.each([
    [422, "SOURCE_NOT_FOUND", 7],
    [503, "TARGET_UNAVAILABLE", 7],
    [504, "DEADLINE_EXCEEDED", 7],
    [403, "HOST_NOT_ALLOWED", 2],
    [503, "STORAGE_UNAVAILABLE", 4],
  ])("tells by its exit code that nothing was compared: %i %s", async (status, code, exitCode) => {
    await using api = await startFakeApi(() => aProblem(status, code));

    const run = await runCli(["verify", ...references, "--endpoint", api.endpoint]);

    expect(run).toMatchObject({ exitCode, stdout: "" });
    expect(run.stderr).toContain(code);
  });

  it("needs something to compare with", async () => {
    const run = await runCli(["verify", "docker.io/library/alpine:3.20"]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain("--against");
  });
});
