import { distribution28, type RegistryBehaviour } from "../../src/local/registry/behaviour.ts";
import { type Answer, answer, jsonAnswer, refusal } from "../../src/local/registry/call.ts";
import { changeHeaders, type Fault, fault } from "./faults.ts";
import { tagIsDigest } from "./faults-referrers.ts";
import { patchAnswers201, refuseChunks, stuckRange } from "./faults-target.ts";

const MiB = 1024 * 1024;

/*
 * Registries as public threads describe them. What each does is in docs/registries.md, with its source.
 */

/** ECR: 201 to PATCH, a `Range` that sticks at the first part, parts of at least 5 MiB but for the last. */
export function likeEcr(): readonly Fault[] {
  const lastSmall = new Set<string>();
  const tooSmall = () => refusal(400, "LayerPartTooSmallException", "a part is smaller than 5242880 bytes");
  const minimum = fault("minimum part", { kind: "upload-patch" }, async (call, next) => {
    const session = call.route.kind === "upload" ? call.route.session : "";
    if (lastSmall.has(session)) return tooSmall();
    if (Number(call.headers["content-length"]) < 5 * MiB) lastSmall.add(session);
    return await next(call);
  });
  return [minimum, patchAnswers201(), stuckRange()];
}

/** ECR: more PutImage calls than it takes a second, so many times (containerd/containerd#10447). */
export function throttlesPutImage({ times }: { readonly times: number }): Fault {
  const refused = async () => refusal(429, "TOOMANYREQUESTS", "Rate exceeded");
  return fault("throttled", { kind: "manifest-put", times }, refused);
}

/** Quay: a 429 that is a web page of the proxy before it. */
export function throttlesByPage(): Fault {
  const body = new TextEncoder().encode("<html><head><title>429 Too Many Requests</title></head></html>");
  const page = { kind: "answer", status: 429, headers: { "content-type": "text/html" }, body } as const;
  return fault("throttled", { kind: "manifest-get", times: 1 }, async () => page);
}

/** public.ecr.aws: 401 to the HEAD of a blob, whatever it is signed in with (aws/containers-roadmap#2671). */
export function likeEcrPublic(): readonly Fault[] {
  const challenge = {
    "www-authenticate": 'Bearer realm="http://127.0.0.1:1/token/",service="public.ecr.aws",scope="aws"',
  };
  return [fault("no HEAD", { kind: "blob-head" }, async () => refusal(401, "DENIED", "Not Authorized", challenge))];
}

/** GHCR: 416 to a PATCH of more than 4 MiB, and a referrers API that leads to a web page (artifacthub/hub#4785). */
export function likeGhcr(): readonly Fault[] {
  const isLarge = ({ headers }: { readonly headers: Readonly<Record<string, unknown>> }) =>
    Number(headers["content-length"]) > 4 * MiB;
  const message = "the chunk exceeds the limit of 4.00MiB";
  return [
    fault("maximum", { kind: "upload-patch", when: isLarge }, async () => refusal(416, "RANGE_INVALID", message)),
    fault("led away", { kind: "referrers" }, async () =>
      answer(303, {
        location: "https://github.invalid/-/v2/packages/container/package/team%2Fapp%2Freferrers%2Fsha256",
      }),
    ),
  ];
}

/** Artifact Registry: no chunks, and a type for the empty body that closes a blob (oras-project/oras-py#144). */
export function likeGar(): readonly Fault[] {
  const html = { "content-type": "text/html; charset=UTF-8", server: "UploadServer" };
  return [
    refuseChunks(),
    fault("typed", { kind: "upload-put" }, async (call, next) => changeHeaders(await next(call), html)),
  ];
}

/** ACR: 400 to a `Content-Range` with a unit, and to a body without length. */
export function likeAcr(): readonly Fault[] {
  return [
    withHeaders({ server: "AzureContainerRegistry" }),
    fault("content range", { kind: "upload-patch" }, async (call, next) => {
      if (call.headers["content-length"] === undefined) return refusal(400, "CONTENT_LENGTH_INVALID", "no length");
      const range = call.headers["content-range"];
      if (range !== undefined && !/^\d+-\d+$/.test(range))
        return refusal(400, "BLOB_UPLOAD_INVALID", "the Content-Range header format is invalid");
      return await next(call);
    }),
  ];
}

/**
 * Artifactory: 403 to a HEAD of what is not there, no digest of what is (7.41, deitch/docker_registry2#83), and 406 where
 * it has no referrers API (google/go-containerregistry#1962).
 */
export function likeArtifactory(): readonly Fault[] {
  return [
    withHeaders({ server: "Artifactory/7.90.8" }),
    fault("forbids", { kind: ["blob-head", "manifest-head"] }, async (call, next) => {
      const answered = await next(call);
      const isMissing = answered.kind === "answer" && answered.status === 404;
      return isMissing ? refusal(403, "DENIED", "forbidden") : answered;
    }),
    fault("no digest", { kind: "manifest-head" }, async (call, next) =>
      changeHeaders(await next(call), { "docker-content-digest": undefined }),
    ),
    fault("no referrers", { kind: "referrers" }, async () => jsonAnswer(406, { errors: [{ status: 406 }] })),
  ];
}

/** Harbor up to 2.7: 401 without a challenge where it has no referrers API (goharbor/harbor#18305). */
export function likeHarbor(): readonly Fault[] {
  return [fault("no referrers", { kind: "referrers" }, async () => refusal(401, "UNAUTHORIZED", "unauthorized"))];
}

/** GitLab: no referrers API, and a fallback tag that stands for the subject (to be started without the API). */
export function likeGitlab(): readonly Fault[] {
  return [tagIsDigest(), withHeaders({ "gitlab-container-registry-version": "4.9.0-gitlab" })];
}

/**
 * Quay: a mount without `from` fails, and what has no type of its own is `text/html` (helm/helm#30987): the root, which
 * says `true`, and all that writes answer. An upload that is asked for counts one byte too many (quay/quay, blob.py).
 */
export function likeQuay(): readonly Fault[] {
  return [
    fault("mount", { kind: "mount" }, async (call, next) =>
      call.query.has("from") ? await next(call) : refusal(500, "UNKNOWN", "no from"),
    ),
    fault("status", { kind: "upload-status" }, async (call, next) => {
      const answered = await next(call);
      const [, last] = /^0-(\d+)$/.exec(answered.kind === "answer" ? (answered.headers.range ?? "") : "") ?? [];
      return last === undefined ? answered : changeHeaders(answered, { range: `bytes=0-${Number(last) + 1}` });
    }),
    fault("typed", { kind: ["base", "mount", "manifest-put", ...uploadKinds] }, async (call, next) => {
      const answered = await next(call);
      const isRefusal = answered.kind === "hang-up" || answered.status >= 300;
      return isRefusal ? answered : changeHeaders(answered, { "content-type": "text/html; charset=utf-8" });
    }),
  ];
}

const uploadKinds = ["upload-start", "upload-status", "upload-patch", "upload-put", "upload-cancel"] as const;

/** Docker Hub: GETs of manifests are counted, and nothing else; the answers to manifest requests say how many are left. */
export function likeDockerHub({ pulls }: { readonly pulls: number }): readonly Fault[] {
  let left = pulls;
  const told = (answered: Answer): Answer =>
    changeHeaders(answered, { "ratelimit-limit": `${pulls};w=21600`, "ratelimit-remaining": `${left};w=21600` });
  return [
    fault("quota", { kind: ["manifest-get", "manifest-head"] }, async (call, next) => {
      if (call.method === "HEAD") return told(await next(call));
      if (left === 0) return told(refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit."));
      left -= 1;
      return told(await next(call));
    }),
  ];
}

/** A kind of registry, for one whole import from or into it. */
export interface RegistryKind {
  /** Whom it is found out to be, or told to be by its entry. */
  readonly profile: string;
  readonly faults: () => readonly Fault[];
  readonly behaviour: Partial<RegistryBehaviour>;
  /** Where it lists referrers: by its API, or clients do under the fallback tag; GitLab nowhere. */
  readonly referrers: "api" | "tag" | "none";
}

const noApi = { referrers: "missing", conditionalPuts: "ignored" } as const;

/** By their names in docs/registries.md. */
export const registryKinds: Readonly<Record<string, RegistryKind>> = {
  ACR: { profile: "acr", faults: likeAcr, behaviour: {}, referrers: "api" },
  // 5 twice, for an import and a comparison: an index, its two images, their referrer and the list of it
  "Docker Hub": {
    profile: "dockerhub",
    faults: () => likeDockerHub({ pulls: 10 }),
    behaviour: noApi,
    referrers: "tag",
  },
  GHCR: { profile: "ghcr", faults: likeGhcr, behaviour: noApi, referrers: "tag" },
  ECR: { profile: "ecr", faults: likeEcr, behaviour: {}, referrers: "api" },
  "Artifact Registry": { profile: "gar", faults: likeGar, behaviour: {}, referrers: "api" },
  Quay: { profile: "quay", faults: likeQuay, behaviour: {}, referrers: "api" },
  Artifactory: { profile: "artifactory", faults: likeArtifactory, behaviour: noApi, referrers: "tag" },
  GitLab: { profile: "gitlab", faults: likeGitlab, behaviour: noApi, referrers: "none" },
  Harbor: { profile: "harbor", faults: likeHarbor, behaviour: noApi, referrers: "tag" },
  zot: { profile: "zot", faults: () => [], behaviour: { interrupted: "forgotten" }, referrers: "api" },
  "distribution 2": { profile: "distribution", faults: () => [], behaviour: distribution28, referrers: "tag" },
  "distribution 3": {
    profile: "distribution",
    faults: () => [],
    behaviour: { ...distribution28, contentRange: "checked" },
    referrers: "tag",
  },
  unknown: { profile: "unknown", faults: () => [refuseChunks()], behaviour: {}, referrers: "api" },
};

/** Headers on every answer. */
export function withHeaders(headers: Readonly<Record<string, string>>): Fault {
  return fault("headers", {}, async (call, next) => changeHeaders(await next(call), headers));
}
