import { describe, expect, it } from "vitest";
import { ruleSchema } from "../../../src/domain/rule-schema.ts";
import { scheduleSchema } from "../../../src/domain/schedule-schema.ts";
import { emptySelection, readSelection, selectionFieldOf, writeSelection } from "../../../src/page/selection-form.ts";

describe("the form of a selection", () => {
  it("makes what the service understands of what was filled in", () => {
    const form = { ...emptySelection, sourceRegistry: " docker.io ", repositories: "library/alpine\n\nteam/*" };

    expect(ruleSchema.parse({ name: "mirror", ...writeSelection(form, undefined) })).toEqual({
      name: "mirror",
      enabled: true,
      source: { registry: "docker.io", repositories: ["library/alpine", "team/*"], tags: {} },
      target: { repository: "{repository}", tag: "{tag}" },
      conflict: "overwrite",
    });
  });

  it("gives back a definition as it was, also what it has no field for", () => {
    const schedule = scheduleSchema.parse({
      name: "nightly",
      cron: "0 3 * * *",
      source: {
        registry: "docker.io",
        repositories: ["team/*"],
        tags: { include: ["v*"], exclude: ["*-rc*"], semver: ">=1.2", newest: 3, digest: `sha256:${"a".repeat(64)}` },
      },
      target: { registry: "prod.azurecr.io", repository: "mirror/{repository}", tag: "{tag}" },
      conflict: "skipIfSame",
      platforms: ["linux/amd64"],
      sparseIndex: true,
      referrers: { artifactTypes: ["application/spdx+json"] },
      foreignLayers: "skip",
      verify: "none",
      strategy: "stream",
      timeoutSeconds: 60,
      labels: { team: "web" },
    });

    const { name, enabled, cron, timeZone, ...selection } = schedule;
    expect(writeSelection(readSelection(schedule), schedule)).toEqual(selection);
  });

  it.each([
    ["source.repositories[1]", "repositories"],
    ["source.tags.include[0]", "include"],
    ["source.registry", "sourceRegistry"],
    ["target.repository", "targetRepository"],
    ["target", "targetRegistry"],
    ["labels.team", undefined],
    ["", undefined],
  ])("finds the field of %s", (property, field) => {
    expect(selectionFieldOf(property)).toBe(field);
  });
});
