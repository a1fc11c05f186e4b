import { z } from "zod";

const patterns = z.array(z.string()).optional();
const selectionViewSchema = z.looseObject({
  source: z.looseObject({
    registry: z.string(),
    repositories: z.array(z.string()),
    tags: z
      .looseObject({
        include: patterns,
        exclude: patterns,
        semver: z.string().optional(),
        newest: z.number().optional(),
        digest: z.string().optional(),
      })
      .optional(),
  }),
  target: z
    .looseObject({ registry: z.string().optional(), repository: z.string().optional(), tag: z.string().optional() })
    .optional(),
});

/** Which images go where: `docker.io team/* (tags v*, newest 5) → prod.example`. Read leniently: it is only shown. */
export function formatSelection(request: unknown): string {
  const parsed = selectionViewSchema.safeParse(request);
  if (!parsed.success) return "a list of images";
  const { source, target } = parsed.data;
  const { include, exclude, semver, newest, digest } = source.tags ?? {};
  const filters = [
    include && `tags ${include.join(",")}`,
    exclude && exclude.length > 0 && `not ${exclude.join(",")}`,
    semver && `semver ${semver}`,
    newest && `newest ${newest}`,
    digest && `digest ${digest.slice(0, "sha256:".length + 12)}`,
  ].filter(Boolean);
  const which = filters.length === 0 ? "" : ` (${filters.join(", ")})`;
  return `${source.registry} ${source.repositories.join(",")}${which} → ${formatNaming(target)}`;
}

function formatNaming(target: z.infer<typeof selectionViewSchema>["target"]): string {
  const { registry = "the default target", repository = "{repository}", tag = "{tag}" } = target ?? {};
  return repository === "{repository}" && tag === "{tag}" ? registry : `${registry}/${repository}:${tag}`;
}
