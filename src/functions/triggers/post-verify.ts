import type { HttpRequest } from "@azure/functions";
import type { RequestSettings } from "../../domain/import-request.ts";
import { formatVerification, type Verification } from "../../domain/verification.ts";
import { type ParsedVerifyRequest, parseVerifyRequest, referenceOf } from "../../domain/verify-request.ts";
import { definedOnly, ImportError } from "../../errors.ts";
import type { CompareImages } from "../../transfer/compare-images.ts";
import type { OpenRepositories } from "../open-repositories.ts";
import { type HttpHandler, json } from "./http-answer.ts";
import { readJsonBody } from "./read-body.ts";

export interface PostVerifyDeps {
  readonly settings: RequestSettings;
  /** Throws HOST_NOT_ALLOWED, and INVALID_REQUEST for a secret that is not for the source. */
  readonly assertAllowed: (request: ParsedVerifyRequest) => void;
  readonly repositories: Pick<OpenRepositories, "toCompare">;
  readonly compare: CompareImages;
  /** The platform cuts HTTP answers off at 230 s. */
  readonly answerMs: number;
}

/** `POST /api/verify`: in what two images differ. Nothing is stored; 504 when the registries take too long. */
export function createPostVerify(deps: PostVerifyDeps): HttpHandler {
  const { settings, assertAllowed, repositories, compare, answerMs } = deps;
  return async (request: HttpRequest) => {
    const parsed = parseVerifyRequest(await readJsonBody(request), settings);
    assertAllowed(parsed);
    const { source, target, platforms, blobs, referrers } = parsed;
    const opened = repositories.toCompare(parsed);
    const signal = AbortSignal.timeout(answerMs);
    const found = await compare(
      {
        source: { repository: opened.source, reference: referenceOf(source) },
        target: { repository: opened.target, reference: referenceOf(target) },
        ...{ blobs, referrers, ...definedOnly({ platforms }) },
      },
      signal,
    ).catch((thrown: unknown) => {
      throw signal.aborted ? tooSlow(blobs) : thrown;
    });
    const verification: Verification = formatVerification({
      ...found,
      source: { ...named(source), ...found.source },
      target: { ...named(target), ...found.target },
    });
    return json(200, verification);
  };
}

function named(reference: ParsedVerifyRequest["source"]) {
  const { registry, repository } = reference;
  return { registry, repository, reference: referenceOf(reference) };
}

function tooSlow(blobs: ParsedVerifyRequest["blobs"]): ImportError {
  return new ImportError({
    code: "DEADLINE_EXCEEDED",
    stage: "verify",
    what: "the images were not compared in time",
    hint:
      blobs === "content"
        ? "compare without full, by platforms, or import with verify: full, which reads in the background"
        : "compare fewer platforms",
    retryable: true,
  });
}
