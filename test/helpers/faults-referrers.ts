import { mediaTypes } from "../../src/descriptor.ts";
import type { Digest } from "../../src/digest.ts";
import { type Call, type Handle, jsonAnswer } from "../../src/local/registry/call.ts";
import { changeHeaders, type Fault, fault } from "./faults.ts";

/** What registries do about referrers; `behaviour: { referrers: "missing" }` is one without the API. */

/** The registry has the referrers API and does not say at a PUT that it lists the manifest. */
export function noOciSubject(): Fault {
  return fault("noOciSubject", { kind: "manifest-put" }, async (call, next) =>
    changeHeaders(await next(call), { "oci-subject": undefined }),
  );
}

/** The registry says at a PUT that it lists the manifest, whether or not it has the referrers API (ECR had not). */
export function claimsOciSubject(subject: Digest): Fault {
  return fault("claimsOciSubject", { kind: "manifest-put" }, async (call, next) =>
    changeHeaders(await next(call), { "oci-subject": subject }),
  );
}

/** An empty list of referrers, whatever there is. */
export function emptyReferrers(): Fault {
  return fault("emptyReferrers", { kind: "referrers" }, async () =>
    jsonAnswer(200, { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }),
  );
}

/** The tag `sha256-<hex>` stands for the manifest `sha256:<hex>`, like at GitLab (oras-project/oras-go#1396). */
export function tagIsDigest(): Fault {
  const kind = ["manifest-get", "manifest-head", "manifest-put"] as const;
  return fault("tagIsDigest", { kind }, async (call, next) => {
    if (call.route.kind !== "manifest") return await next(call);
    const reference = call.route.reference.replace(/^sha256-(?=[0-9a-f]{64}$)/, "sha256:");
    return await next({ ...call, route: { ...call.route, reference } });
  });
}

/** All referrers, whatever type was asked for. */
export function ignoresFilters(): Fault {
  return fault("ignoresFilters", { kind: "referrers" }, (call, next) => next(withoutQuery(call, "artifactType")));
}

/** The list of referrers comes in pages, with a relative Link to the next. */
export function pagedReferrers(perPage: number): Fault {
  return fault("pagedReferrers", { kind: "referrers" }, async (call, next) => {
    const answered = await next(call);
    if (answered.kind === "hang-up" || answered.status !== 200) return answered;
    const { manifests, ...index } = await indexOf(answered);
    const page = Number(call.query.get("page") ?? 0);
    const rest = manifests.slice(page * perPage);
    const query = new URLSearchParams(call.query);
    query.set("page", String(page + 1));
    const body = new TextEncoder().encode(JSON.stringify({ ...index, manifests: rest.slice(0, perPage) }));
    const link = rest.length > perPage ? `<${call.path}?${query}>; rel="next"` : undefined;
    return { ...changeHeaders(answered, { link, "content-length": String(body.byteLength) }), body };
  });
}

function withoutQuery(call: Call, name: string): Call {
  const query = new URLSearchParams(call.query);
  query.delete(name);
  return { ...call, query };
}

async function indexOf(answered: Exclude<Awaited<ReturnType<Handle>>, { kind: "hang-up" }>) {
  if (!(answered.body instanceof Uint8Array)) throw new Error("a list of referrers has a whole body");
  const index: { readonly manifests: readonly unknown[] } = JSON.parse(new TextDecoder().decode(answered.body));
  return index;
}
