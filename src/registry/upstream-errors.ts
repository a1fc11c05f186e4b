import { z } from "zod";
import { digestSchema } from "../digest.ts";
import type { UpstreamError } from "../errors.ts";
import { parseJson } from "../json.ts";

/** The errors that a body holds: those of the OCI spec, of a token service, or the first words of a page. */
export function parseUpstreamErrors(body: string): readonly UpstreamError[] {
  const json = parseJson(body);
  const oci = ociErrorsSchema.safeParse(json);
  if (oci.success) {
    return oci.data.errors.map(({ code, message, detail }) => {
      const named = detailSchema.safeParse(detail);
      return { code: code.toUpperCase(), message, ...(named.success && { digest: named.data }) };
    });
  }
  const other = otherErrorSchema.safeParse(json);
  if (other.success) {
    const { error = "", error_description, message, details } = other.data;
    const text = error_description ?? message ?? details ?? "";
    return error === "" && text === "" ? [] : [{ code: error, message: text }];
  }
  const words = pageText(body);
  return words === "" ? [] : [{ code: "", message: words }];
}

const ociErrorsSchema = z.object({
  errors: z
    .array(z.object({ code: z.string().catch(""), message: z.string().catch(""), detail: z.unknown().optional() }))
    .min(1),
});
/** distribution puts the digest itself there, others an object around it. */
const detailSchema = z.union([digestSchema, z.object({ digest: digestSchema }).transform(({ digest }) => digest)]);
/** What token services answer: Docker Hub `details`, OAuth `error` and `error_description`, Quay `message`. */
const otherErrorSchema = z.object({
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  details: z.string().optional().catch(undefined),
});

const maxPageChars = 4_000; // a title stands far before; unclosed tags in more would take seconds to search

/** The title of an HTML page, or the first words of a text. */
function pageText(body: string): string {
  const head = body.slice(0, maxPageChars);
  const [, title] = /<title[^>]*>([^<]*)<\/title>/i.exec(head) ?? [];
  const text = title ?? head.replace(/<[^>]*>/g, " ");
  return text.replace(/\s+/g, " ").trim().slice(0, 200);
}
