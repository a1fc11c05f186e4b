import { createImportId, type ImportId } from "../../domain/import-id.ts";
import type { RequestSettings } from "../../domain/import-request.ts";
import type { ItemContent, PromotionItem } from "../../domain/promotion-item.ts";
import type { PromotionRecord } from "../../domain/promotion-record.ts";
import { isSelection, selectedSpec, textsOf } from "../../domain/promotion-request.ts";
import { promotionExpanded, promotionMoved } from "../../domain/promotion-transitions.ts";
import { ImportError } from "../../errors.ts";
import type { PromotionItems } from "../../store/promotion-items.ts";
import type { Promotions } from "../../store/promotions.ts";
import type { PromotionActivity } from "./promotion-activity.ts";
import { type ExpandInput, type ExpandOutcome, expandInputSchema } from "./promotion-steps.ts";
import {
  addImages,
  type ExpandPage,
  isSameSource,
  type OnlyChanged,
  type SelectedImage,
  targetCollision,
} from "./selection-page.ts";

export interface ExpandPromotionDeps {
  readonly promotions: Pick<Promotions, "update">;
  readonly items: Pick<PromotionItems, "insert" | "read">;
  readonly expandPage: ExpandPage;
  readonly onlyChanged: OnlyChanged;
  readonly settings: RequestSettings;
  readonly now: () => Date;
}

/** Selections beyond that are most likely a mistake. */
const maxSelectedImages = 100_000;

/** One page of a selection: the images that it means become items. Those that are there already stay as they are. */
export function createExpandPromotion(deps: ExpandPromotionDeps): PromotionActivity<ExpandInput, ExpandOutcome> {
  const { promotions, expandPage, onlyChanged, now } = deps;
  return {
    name: "expandPromotion",
    input: expandInputSchema,
    work: async ({ promotionId, cursor, found }, { record, signal }) => {
      if (record.cancelRequestedAt !== undefined) return { kind: "cancelled" };
      if (record.isExpanded || !isSelection(record.request)) return { kind: "done" };
      await promotions.update(promotionId, (current) => promotionMoved(current, "Expanding", now()));
      const { schedule, request: selection } = record;
      const page = await expandPage(selection, cursor, signal);
      const images =
        schedule === undefined ? page.items : await onlyChanged({ schedule, selection }, page.items, signal);
      const total = found + images.length;
      if (total > maxSelectedImages) throw tooMany();
      await insertImages(deps, record, images);
      await promotions.update(promotionId, (current) =>
        promotionExpanded(current, { warnings: page.warnings, isLast: page.next === undefined }),
      );
      return page.next === undefined ? { kind: "done" } : { kind: "next", cursor: page.next, found: total };
    },
  };
}

async function insertImages(
  { items, settings }: ExpandPromotionDeps,
  record: PromotionRecord,
  images: readonly SelectedImage[],
): Promise<void> {
  const byKey = new Map<string, SelectedImage>();
  addImages(byKey, images);
  const rows = [...byKey].map(([key, image]) => imageItem(record, key, image, settings));
  const sources = new Map(rows.map(({ key, source }) => [key, source]));
  for (const key of await items.insert(rows)) {
    const there = await items.read(record.id, key);
    const image = byKey.get(key);
    if (there?.content.kind !== "image" || image === undefined) continue;
    const { registry, repository, tag } = there.content.source;
    const isSame = isSameSource({ registry, repository, ...(tag !== undefined && { tag }) }, image.source);
    if (!isSame) throw targetCollision(image.target, there.source, sources.get(key) ?? "");
  }
}

/** An item as it is first stored. */
export function newItem(
  { id, attempt, createdAt }: PromotionRecord,
  key: string,
  { content, source, target }: { readonly content: ItemContent; readonly source: string; readonly target: string },
): PromotionItem {
  const importId = itemImportId(id, key, new Date(createdAt));
  return {
    ...{ v: 1, promotion: id, key, attempt, state: "Pending", importId, source, target, content },
    importAttempt: 0,
  };
}

/** The same for every attempt and every repeat, since it is made of the promotion and the key alone. */
function itemImportId(promotion: ImportId, key: string, createdAt: Date): ImportId {
  return createImportId(createdAt, JSON.stringify([promotion, key]));
}

function imageItem(
  record: PromotionRecord,
  key: string,
  image: SelectedImage,
  settings: RequestSettings,
): PromotionItem {
  if (!isSelection(record.request)) throw new Error("a list has no images to be found");
  const { source, target } = image;
  const texts = textsOf(selectedSpec(record.request, image, settings));
  return newItem(record, key, { content: { kind: "image", source: { ...source }, target: { ...target } }, ...texts });
}

function tooMany(): ImportError {
  return new ImportError({
    code: "INVALID_REQUEST",
    stage: "accept",
    property: "source",
    what: `the selection means more than ${maxSelectedImages} images`,
    hint: "select less, in several promotions",
  });
}
