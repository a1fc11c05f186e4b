import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { isKnown } from "../tagged-answer.ts";
import type { HttpHandler } from "../triggers/http-answer.ts";
import type { Coding, codings, PageFile, PageFiles } from "./page-files.ts";

export interface ServePageDeps {
  /** Asked for at most once, when the page is first wanted: what serves the API alone never reads it. */
  readonly readFiles: () => Promise<PageFiles>;
}

/** Routes of the page. The first takes the root alone, where no template without a parameter may stand. */
export const pageRoutes = { document: "{ignored:maxlength(0)?}", asset: "assets/{file}" } as const;

/**
 * The dashboard: the document at `/`, to be asked for again each time, and its files below `/assets/`, whose names hold
 * the hash of their content, so that they never change.
 */
export function createServePage({ readFiles }: ServePageDeps): Readonly<Record<keyof typeof pageRoutes, HttpHandler>> {
  let reading: Promise<PageFiles> | undefined;
  const files = () => {
    reading ??= readFiles();
    return reading;
  };
  return {
    document: async (request) => {
      const { document } = await files();
      return answerFile(document, request, { ...documentHeaders, "cache-control": "no-cache" });
    },
    asset: async (request) => {
      const { assets } = await files();
      const file = assets.get(request.params.file ?? "");
      if (file === undefined) return { status: 404, headers: { ...safetyHeaders, "cache-control": "no-store" } };
      return answerFile(file, request, { ...safetyHeaders, "cache-control": "public, max-age=31536000, immutable" });
    },
  };
}

const safetyHeaders = { "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" } as const;

/** Everything comes from this host, nothing is inline, nobody frames it, and no form or base leads elsewhere. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const documentHeaders = {
  ...safetyHeaders,
  "content-security-policy": contentSecurityPolicy,
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
} as const;

function answerFile(
  { contentType, etag, identity, coded }: PageFile,
  request: HttpRequest,
  more: Readonly<Record<string, string>>,
): HttpResponseInit {
  const coding = chooseCoding(request.headers.get("accept-encoding") ?? "");
  const headers = { ...more, etag: etagOf(etag, coding), vary: "accept-encoding" };
  if (isKnown(request, headers.etag)) return { status: 304, headers };
  const body = coding === undefined ? identity : coded[coding];
  const described = {
    ...headers,
    "content-type": contentType,
    ...(coding !== undefined && { "content-encoding": coding }),
  };
  return { status: 200, headers: described, ...(request.method !== "HEAD" && { body }) };
}

/** Of the bytes that are sent: each coding has its own (RFC 9110, 8.8.3). */
function etagOf(etag: string, coding: Coding | undefined): string {
  return coding === undefined ? etag : etag.replace(/"$/, `-${coding}"`);
}

const preference = ["br", "gzip"] as const satisfies readonly (keyof typeof codings)[];

/** The first coding of ours that the client takes; `;q=0` refuses one (RFC 9110, 12.5.3). */
function chooseCoding(accepted: string): Coding | undefined {
  const taken = accepted
    .toLowerCase()
    .split(",")
    .filter((one) => !/;\s*q=0(\.0*)?\s*$/.test(one))
    .map((one) => one.split(";")[0]?.trim());
  return preference.find((coding) => taken.includes(coding));
}
