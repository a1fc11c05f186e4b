import { describe, expect, it } from "vitest";
import { parsePromotionRequest } from "../../../src/domain/promotion-request.ts";
import { promotionRequestSchema } from "../../../src/domain/promotion-request-schema.ts";
import { createRegistries } from "../../../src/domain/registries.ts";
import { ImportError } from "../../../src/errors.ts";
import {
  emptyPromotion,
  type PromotionForm,
  promotionFaultOf,
  writePromotion,
} from "../../../src/page/promotion-form.ts";

const selection = { ...emptyPromotion.selection, sourceRegistry: "docker.io", repositories: "library/*\nteam/app" };
const list: PromotionForm = { ...emptyPromotion, kind: "list", items: "docker.io/library/alpine:3" };

/** The field that the service's own refusal of a form leads to, and what is said there. */
function refusalOf(form: PromotionForm) {
  try {
    parsePromotionRequest(JSON.parse(JSON.stringify(writePromotion(form))), {
      ...{ defaultTarget: "t.example", registries: createRegistries([], undefined), registrySuffix: "azurecr.io" },
      ...{ defaultTimeoutSeconds: 60, defaultConflict: "skipIfSame" },
      assertAllowed: () => undefined,
    });
  } catch (thrown) {
    if (!(thrown instanceof ImportError)) throw thrown;
    const { message, ...wire } = thrown.toWire();
    return promotionFaultOf(form, { ...wire, type: "", title: "", status: 400, detail: message });
  }
  return undefined;
}

describe("the form of a promotion", () => {
  it("makes a selection that the service understands, and leaves what is the same alone by default", () => {
    const request = writePromotion({ ...emptyPromotion, selection, maxConcurrent: " 5 ", labels: "team = web" });

    expect(promotionRequestSchema.parse(request)).toEqual({
      source: { registry: "docker.io", repositories: ["library/*", "team/app"], tags: {} },
      target: { repository: "{repository}", tag: "{tag}" },
      conflict: "skipIfSame",
      maxConcurrent: 5,
      labels: { team: "web" },
    });
  });

  it("makes a list of lines, each a source and the tags that it is to get", () => {
    const items = "docker.io/library/alpine:3\n\n docker.io/library/nginx:1 -> web/nginx:1   web/nginx:stable";
    const target = { ...selection, targetRegistry: "prod.example" };

    expect(promotionRequestSchema.parse(writePromotion({ ...list, items, selection: target }))).toEqual({
      items: [
        { source: "docker.io/library/alpine:3", target: "prod.example" },
        {
          source: "docker.io/library/nginx:1",
          target: "prod.example",
          targetTags: ["web/nginx:1", "web/nginx:stable"],
        },
      ],
      conflict: "skipIfSame",
    });
  });

  it.each<[string, PromotionForm, string]>([
    ["no repository", { ...emptyPromotion, selection: { ...selection, repositories: "" } }, "repositories"],
    ["a range that is none", { ...emptyPromotion, selection: { ...selection, semver: "newest" } }, "semver"],
    ["imports at once that are no number", { ...emptyPromotion, selection, maxConcurrent: "many" }, "maxConcurrent"],
    ["an empty list", { ...list, items: " " }, "items"],
    ["a platform that is none", { ...list, selection: { ...selection, platforms: "amd 64" } }, "platforms"],
    ["a sparse index of all platforms", { ...list, selection: { ...selection, sparseIndex: true } }, "sparseIndex"],
    ["the same of a selection", { ...emptyPromotion, selection: { ...selection, sparseIndex: true } }, "sparseIndex"],
  ])("leads to the field that is at fault: %s", (_, form, field) => {
    expect(refusalOf(form)).toMatchObject({ faulty: field });
  });

  it("says in which line of a list the fault is, empty lines counted", () => {
    const refused = refusalOf({ ...list, items: "docker.io/library/alpine:3\n\ndocker.io/library/nginx:1 not:a:tag" });

    expect(refused).toMatchObject({ faulty: "items" });
    expect(refused?.fault).toMatch(/^Line 3: .*not:a:tag/);
  });
});
