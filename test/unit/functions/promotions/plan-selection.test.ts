import { describe, expect, it } from "vitest";
import { type Selection, selectionSchema } from "../../../../src/domain/promotion-request-schema.ts";
import { createRegistries } from "../../../../src/domain/registries.ts";
import { ImportError } from "../../../../src/errors.ts";
import { createPlanSelection } from "../../../../src/functions/promotions/plan-selection.ts";
import type { SelectedImage, SelectionPage } from "../../../../src/functions/promotions/selection-page.ts";
import { thrownBy } from "../../../helpers/registry-client.ts";

const selection: Selection = selectionSchema.parse({ source: { registry: "s.example", repositories: ["team/*"] } });

function anImage(repository: string, tag: string, target = repository): SelectedImage {
  return { source: { registry: "s.example", repository, tag }, target: { repository: target, tag } };
}

/** Plans what a registry lists page by page; at a page that is missing it takes until the deadline. */
function plan(pages: readonly (readonly SelectedImage[])[], totalPages = pages.length) {
  const deadline = new AbortController();
  const planSelection = createPlanSelection({
    settings: {
      ...{ defaultTarget: "t.example", registries: createRegistries([], undefined), registrySuffix: "azurecr.io" },
      ...{ defaultConflict: "skipIfSame", defaultTimeoutSeconds: 60 },
    },
    deadline: () => deadline.signal,
    expandPage: async (_, cursor, signal): Promise<SelectionPage> => {
      const at = cursor?.named ?? 0;
      const items = pages[at];
      if (items === undefined) deadline.abort(new Error("out of time"));
      signal.throwIfAborted();
      return { items: items ?? [], next: at + 1 < totalPages ? { v: 1, named: at + 1 } : undefined, warnings: [] };
    },
  });
  return planSelection(selection);
}

describe("the plan of a selection", () => {
  it("lists the images of all pages, one that is on two of them once", async () => {
    const planned = await plan([[anImage("team/a", "1")], [anImage("team/a", "1"), anImage("team/b", "1")]]);

    expect(planned.items.map(({ source }) => source)).toEqual(["s.example/team/a:1", "s.example/team/b:1"]);
    expect(planned.isComplete).toBe(true);
  });

  it("refuses two images for one target, as the promotion would", async () => {
    const pages = [[anImage("team/a", "1", "all")], [anImage("team/b", "1", "all")]];

    const thrown = await thrownBy(() => plan(pages));

    if (!(thrown instanceof ImportError)) throw thrown;
    const { code, message, property } = thrown.toWire();
    expect({ code, property }).toEqual({ code: "INVALID_REQUEST", property: "target" });
    expect(message).toContain("s.example/team/a:1 and s.example/team/b:1");
  });

  it("shows what was found in time", async () => {
    const planned = await plan([[anImage("team/a", "1")]], 2);

    expect(planned).toMatchObject({ items: [{ source: "s.example/team/a:1" }], isComplete: false });
  });

  it("says that nothing was found in time", async () => {
    await expect(plan([], 1)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  it("shows at most 5,000, and that there are more", async () => {
    const many = Array.from({ length: 5_001 }, (_, at) => anImage("team/a", String(at)));

    const planned = await plan([many]);

    expect(planned.items).toHaveLength(5_000);
    expect(planned.isComplete).toBe(false);
  });
});
