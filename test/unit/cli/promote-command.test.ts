import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Interrupted } from "../../../src/cli/follow.ts";
import {
  promotionItemPageSchema as itemsByClient,
  promotionViewSchema as readByClient,
} from "../../../src/cli/promotion-records.ts";
import { promotionItemViewSchema, promotionViewSchema } from "../../../src/domain/promotion-record.ts";
import { promotionRequestSchema } from "../../../src/domain/promotion-request-schema.ts";
import { aProblem, startFakeApi } from "./fake-api.ts";
import {
  aFailedItem,
  anItem,
  answersFor,
  aPromotion,
  cancelledPromotion,
  failedPromotion,
  promotionId,
  someCounts,
  succeededPromotion,
} from "./fake-promotions.ts";
import { runCli, spawnCli } from "./run-cli.ts";
import { useFiles } from "./temporary-files.ts";

const selection = ["--from", "dev.example", "--repository", "team/*"];
const failedItems = [aFailedItem(1), aFailedItem(2)];
const files = useFiles();

it("reads what the service answers", () => {
  for (const promotion of [aPromotion(), succeededPromotion, failedPromotion, cancelledPromotion]) {
    expect(promotionViewSchema.parse(promotion)).toEqual(promotion); // what these tests answer is what the service says
    expect(readByClient.parse(promotion)).toEqual(promotion);
  }
  for (const item of [anItem(1), aFailedItem(1)]) {
    expect(promotionItemViewSchema.parse(item)).toEqual(item);
    expect(itemsByClient.parse({ items: [item] }).items).toEqual([item]);
  }
});

describe("drayage promote: the request", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const requests: readonly (readonly [string, readonly string[], unknown])[] = [
    ["the least", selection, { source: { registry: "dev.example", repositories: ["team/*"] } }],
    [
      "every flag",
      [
        ...["--from", "dev.example", "--repository", "team/*", "base/", "--repository", "tools/x"],
        ...["--tags", "v*", "release-*", "--exclude", "*-rc*", "--semver", ">=1.2", "--newest", "5"],
        ...["--digest", digest, "--to", "prod", "--target-repository", "mirror/{basename}", "--target-tag", "{tag}-p"],
        ...["--conflict", "overwrite", "--platform", "linux/amd64,linux/arm64", "--sparse-index", "--timeout", "2h"],
        ...["--label", "team=x", "--label", "note=a=b", "--max-concurrent", "100"],
        ...["--artifact-type", "a/b", "--artifact-type", "c/d"],
      ],
      {
        source: {
          registry: "dev.example",
          repositories: ["team/*", "base/", "tools/x"],
          tags: { include: ["v*", "release-*"], exclude: ["*-rc*"], semver: ">=1.2", newest: 5, digest },
        },
        target: { registry: "prod", repository: "mirror/{basename}", tag: "{tag}-p" },
        conflict: "overwrite",
        platforms: ["linux/amd64", "linux/arm64"],
        sparseIndex: true,
        referrers: { artifactTypes: ["a/b", "c/d"] },
        timeoutSeconds: 7200,
        labels: { team: "x", note: "a=b" },
        maxConcurrent: 100,
      },
    ],
  ];
  it.each(requests)("carries %s", async (_, args, body) => {
    await using api = await startFakeApi(answersFor([succeededPromotion]));

    const run = await runCli(["promote", ...args, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen.map((request) => request.body)).toEqual([body]);
    expect(promotionRequestSchema.safeParse(body).success).toBe(true); // a body that the service reads
  });

  const asYaml = 'source:\n  registry: dev.example # ours\n  repositories: ["team/*"]\nlabels: { a: "1", b: "2" }\n';
  const asJson = '{"source":{"registry":"dev.example","repositories":["team/*"]},"labels":{"a":"1","b":"2"}}';
  it.each([
    ["YAML", asYaml],
    ["JSON", asJson],
  ])("sends a file of %s, and flags win over it", async (format, text) => {
    await using api = await startFakeApi(answersFor([succeededPromotion]));
    const path = await files.write(`plan.${format}`, text);

    const run = await runCli(["promote", "-f", path, "--conflict", "overwrite", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen[0]?.body).toEqual({
      source: { registry: "dev.example", repositories: ["team/*"] },
      labels: { a: "1", b: "2" },
      conflict: "overwrite",
    });
  });

  it("sends a list of imports from standard input", async () => {
    await using api = await startFakeApi(answersFor([succeededPromotion]));
    const stdin = "items:\n  - source: dev.example/app:1\n    target: prod.example\n";

    const run = await runCli(["promote", "-f", "-", "--endpoint", api.endpoint], { stdin });

    expect(run.exitCode).toBe(0);
    expect(api.seen[0]?.body).toEqual({ items: [{ source: "dev.example/app:1", target: "prod.example" }] });
  });

  it("repeats a start whose answer is lost with the same key", async () => {
    const api = await startFakeApi(async (_, count) => {
      if (count === 1) await api.stop();
      return { body: succeededPromotion };
    });
    await using _closed = api;

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint], {
      onSleep: (count) => (count === 2 ? api.restart() : undefined),
    });

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual(Array(2).fill("POST /api/promotions"));
    expect(new Set(api.seen.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(run.stderr).toContain("which starts no second promotion");
  });

  it("sends the idempotency key that is given, and one of its own otherwise", async () => {
    await using api = await startFakeApi(answersFor([succeededPromotion]));

    await runCli(["promote", ...selection, "--idempotency-key", "release-7", "--endpoint", api.endpoint]);
    await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    const keys = api.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual(["release-7", expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });
});

describe("drayage promote: the end", () => {
  it("tells success with what was done", async () => {
    await using api = await startFakeApi(answersFor([aPromotion(), succeededPromotion]));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stderr).toBe("");
    expect(run.stdout).toBe(
      [
        `Promotion ${promotionId}  dev.example team/* (tags v*) → prod.example`,
        "Running     40%  4 of 10 images  2.0/s  3.0s left  (1 skipped, 3 succeeded, 2 queued, 4 pending)  40.0 MiB copied, 5.0 MiB mounted  20.0 MiB/s",
        "Succeeded in 4.2s: 10 images: 1 skipped, 9 succeeded",
        "  40.0 MiB copied, 5.0 MiB mounted  8.0 MiB/s",
        "",
      ].join("\n"),
    );
  });

  it("lists the failed images with code, message and hint, page by page", async () => {
    await using api = await startFakeApi(answersFor([failedPromotion], [anItem(3), ...failedItems, anItem(4)]));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("Failed after 4.2s: 10 images: 2 failed, 1 skipped, 7 succeeded\n");
    expect(run.stderr).toContain(
      [
        "  dev.example/team/app:v1 → prod.example/team/app:v1",
        "    source dev.example: team/app:v1 is not there",
        "    code: SOURCE_NOT_FOUND (HTTP 404)",
        "    hint: check repository and tag",
        "  dev.example/team/app:v2",
      ].join("\n"),
    );
    expect(run.stderr).toContain(`drayage promotions retry ${promotionId}`);
    expect(run.stdout).not.toContain("SOURCE_NOT_FOUND");
  });

  it("shows fifty failed images, and how to see the others", async () => {
    const counts = someCounts({ failed: 60 });
    const items = Array.from({ length: 60 }, (_, at) => aFailedItem(at));
    await using api = await startFakeApi(answersFor([{ ...failedPromotion, counts }], items));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.stderr.match(/code: SOURCE_NOT_FOUND/g)).toHaveLength(50);
    expect(run.stderr).toContain(`and 10 more: drayage promotions items ${promotionId} --state Failed`);
  });

  it("tells why a selection failed", async () => {
    const error = {
      code: "SOURCE_UNAUTHORIZED",
      message: "source dev.example: the catalog is refused",
      retryable: false,
    };
    const promotion = { ...failedPromotion, counts: someCounts(), error };
    await using api = await startFakeApi(answersFor([promotion]));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("the catalog is refused\n  code: SOURCE_UNAUTHORIZED");
  });

  it("tells that nothing matches", async () => {
    await using api = await startFakeApi(answersFor([{ ...succeededPromotion, counts: someCounts() }]));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain("nothing matches");
  });

  it("ends with 3 when it was cancelled", async () => {
    await using api = await startFakeApi(answersFor([aPromotion(), cancelledPromotion]));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain("Cancelled after 4.2s: 10 images: 9 cancelled, 1 succeeded");
  });

  it("prints the promotion with its failed images and nothing else with --json", async () => {
    const final = { ...failedPromotion, addedLater: [1] };
    await using api = await startFakeApi(answersFor([aPromotion(), final], [anItem(3), ...failedItems]));

    const run = await runCli(["promote", ...selection, "--json", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toEqual({ ...final, failedItems });
    expect(run.stderr).toBe("");
  });

  it("tells the end although the failed images cannot be listed", async () => {
    const answer = answersFor([failedPromotion]);
    await using api = await startFakeApi((request) =>
      request.url.includes("/items") ? aProblem(503, "STORAGE_UNAVAILABLE") : answer(request),
    );

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("the failed images cannot be listed");
    expect(run.stderr).toContain("2 failed");
  });

  it.each([
    [400, "INVALID_REQUEST", 2],
    [403, "HOST_NOT_ALLOWED", 2],
    [503, "STORAGE_UNAVAILABLE", 4],
  ])("answers a refusal with %i %s by exit code %i", async (status, code, exitCode) => {
    await using api = await startFakeApi(() => aProblem(status, code, { hint: "do otherwise" }));

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(exitCode);
    expect(run.stderr).toContain(`error: no: ${code}\n  code: ${code} (HTTP ${status})\n  hint: do otherwise`);
  });

  it("only starts it with --no-wait", async () => {
    await using api = await startFakeApi(answersFor([aPromotion({ state: "Accepted" })]));

    const run = await runCli(["promote", ...selection, "--no-wait", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.calls()).toEqual(["POST /api/promotions"]);
    expect(run.stdout).toContain(`look at it: drayage promotions show ${promotionId}`);
  });

  it("leaves it running at Ctrl-C, and says how to look and cancel", async () => {
    await using api = await startFakeApi(answersFor([aPromotion()]));
    const interruption = new AbortController();
    const onSleep = () => interruption.abort(new Interrupted());

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint], {
      interrupted: interruption.signal,
      onSleep,
    });

    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain(`Interrupted; promotion ${promotionId} goes on.`);
    expect(run.stderr).toContain(`drayage promotions show ${promotionId}`);
    expect(run.stderr).toContain(`drayage promotions cancel ${promotionId}`);
    expect(api.calls()).toEqual(["POST /api/promotions"]);
  });

  it("leaves it running when --wait is over, and writes the JUnit file of what there is", async () => {
    const junit = files.path("wait.xml");
    await using api = await startFakeApi(answersFor([aPromotion()], [anItem(1), anItem(2, { state: "Queued" })]));

    const args = ["promote", ...selection, "--wait", "1", "--junit", junit];
    const run = await spawnCli(args, { DRAYAGE_ENDPOINT: api.endpoint }).exit;

    expect(run.exitCode).toBe(124);
    expect(run.stderr).toContain(`promotion ${promotionId} goes on (Running)`);
    expect(await readFile(junit, "utf8")).toContain('<error message="not ended: Queued" type="Queued"/>');
  });
});

describe("drayage promote on a terminal", () => {
  it("redraws a table of states, with bytes, rate, remaining time and the newest failures", async () => {
    const firstErrors = failedItems.map(({ item, importId, error }) => ({ item, importId, error }));
    const running = aPromotion({
      firstErrors,
      counts: someCounts({ pending: 4, queued: 2, succeeded: 2, failed: 2 }),
    });
    await using api = await startFakeApi(
      answersFor([aPromotion({ state: "Expanding", counts: someCounts() }), running, succeededPromotion]),
    );

    const run = await runCli(["promote", ...selection, "--endpoint", api.endpoint], { isTty: true });

    expect(run.stdout).toMatch(/ {2}Running {4}━+─+ {3}40% {2}4 of 10 images {2}2\.0\/s {2}3\.0s left\n/);
    expect(run.stdout).toMatch(/ {2}PENDING {2}QUEUED {2}SUCCEEDED {2}SKIPPED {2}FAILED {2}CANCELLED {2}TOTAL\n/);
    expect(run.stdout).toMatch(/ {2}4 {8}2 {7}2 {10}0 {8}2 {7}0 {10}10\n/);
    expect(run.stdout).toContain("40.0 MiB copied, 5.0 MiB mounted  20.0 MiB/s");
    expect(run.stdout).toContain("  failed: SOURCE_NOT_FOUND source dev.example: team/app:v2 is not there");
    expect(run.stdout).toContain("\u001b[8A\r\u001b[J"); // back over the table and its failures
  });
});

describe("drayage promote --dry-run", () => {
  const images = [{ source: "dev.example/team/app:v1", target: "prod.example/team/app:v1" }];

  it("lists the images and starts nothing", async () => {
    await using api = await startFakeApi(() => ({ body: { items: images, isComplete: false } }));

    const run = await runCli(["promote", ...selection, "--dry-run", "--endpoint", api.endpoint]);

    expect(run.exitCode).toBe(0);
    expect(api.seen.map(({ body }) => body)).toMatchObject([{ dryRun: true }]);
    expect(run.stdout).toBe(
      [
        "Dry run: nothing was changed. 1 image, and more:",
        "  dev.example/team/app:v1 → prod.example/team/app:v1",
        "  … there are more than the service shows",
        "",
      ].join("\n"),
    );
  });

  it("does so for a file that says dryRun, and prints JSON", async () => {
    await using api = await startFakeApi(() => ({ body: { items: images, isComplete: true } }));
    const stdin = "dryRun: true\nsource: { registry: dev.example, repositories: ['team/*'] }\n";

    const run = await runCli(["promote", "-f", "-", "--json", "--endpoint", api.endpoint], { stdin });

    expect(JSON.parse(run.stdout)).toMatchObject({ items: images, isComplete: true });
  });
});
