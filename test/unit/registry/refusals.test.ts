import { describe, expect, it } from "vitest";
import { type Answer, refusal } from "../../../src/local/registry/call.ts";
import { headBlob } from "../../../src/registry/blobs.ts";
import { firstPage } from "../../../src/registry/list-pages.ts";
import { getManifest, headManifest, putManifest } from "../../../src/registry/manifests.ts";
import type { Repository } from "../../../src/registry/registry.ts";
import { listTagPages } from "../../../src/registry/tags.ts";
import { startUpload } from "../../../src/registry/uploads.ts";
import { fault } from "../../helpers/faults.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const pushed = image({ layers: [100] });

type Ask = (repository: Repository) => Promise<unknown>;
const pull: Ask = (repository) => getManifest(repository, "1", never);
const look: Ask = (repository) => headManifest(repository, "1", never);
const push: Ask = (repository) => putManifest(repository, "1", pushed.root, never);
const list: Ask = (repository) => listTagPages(repository, firstPage, never).next();
const ping: Ask = ({ registry }) => registry.ping(never);
const upload: Ask = (repository) => startUpload(repository, never);

const page = (status: number): Answer => ({
  kind: "answer",
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: new TextEncoder().encode("<!doctype html><title>Welcome</title>"),
});
const firewall =
  "client with IP '203.0.113.9' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
const locked = "The operation is disallowed on this registry, repository or image.";

describe("a refusal that lasts is one request and one error", () => {
  it.each<[string, "source" | "target", Ask, Answer, string, string]>([
    [
      "firewall of the source",
      "source",
      pull,
      refusal(403, "DENIED", firewall),
      "SOURCE_NETWORK_RESTRICTED",
      "firewall",
    ],
    [
      "firewall of the target",
      "target",
      upload,
      refusal(403, "DENIED", firewall),
      "TARGET_NETWORK_RESTRICTED",
      "firewall",
    ],
    ["locked tag", "target", push, refusal(405, "REGISTRY_DISALLOWED_OPERATION", locked), "TARGET_LOCKED", "locked"],
    ["full ACR", "target", upload, refusal(405, "REGISTRY_DISALLOWED_OPERATION", locked), "TARGET_LOCKED", "full"],
    [
      "immutable tag of ECR",
      "target",
      push,
      refusal(
        400,
        "ImageTagAlreadyExistsException",
        "the tag cannot be overwritten because the repository is immutable",
      ),
      "TARGET_LOCKED",
      "immutable",
    ],
    [
      "quota of a Harbor project (goharbor/harbor#17390)",
      "target",
      push,
      refusal(403, "DENIED", "adding 29.0 MiB of storage resource, which … will exceed the configured upper limit"),
      "TARGET_QUOTA_EXCEEDED",
      "quota",
    ],
    [
      "vulnerable image of Harbor (goharbor/harbor#15885)",
      "source",
      pull,
      refusal(412, "PROJECTPOLICYVIOLATION", "current image with 5 vulnerabilities cannot be pulled"),
      "SOURCE_LOCKED",
      "policy",
    ],
    ["quarantined image", "source", pull, refusal(405, "UNSUPPORTED", locked), "SOURCE_LOCKED", "quarantine"],
    [
      "missing repository of ECR",
      "target",
      upload,
      refusal(404, "NAME_UNKNOWN", ""),
      "TARGET_REPOSITORY_MISSING",
      "create",
    ],
    [
      "soft-deleted digest",
      "target",
      push,
      refusal(409, "DENIED", "a soft deleted manifest of this digest exists"),
      "TARGET_SOFT_DELETED",
      "restore",
    ],
    [
      "repository of a cache rule",
      "target",
      upload,
      refusal(403, "DENIED", "the repository belongs to a cache rule"),
      "TARGET_CACHE_REPOSITORY",
      "cache rule",
    ],
    ["page in place of a manifest", "source", pull, page(200), "SOURCE_NOT_A_REGISTRY", "is a container registry"],
    ["page in place of a tag", "source", look, page(200), "SOURCE_NOT_A_REGISTRY", "is a container registry"],
    ["page that says not found", "source", look, page(404), "SOURCE_NOT_A_REGISTRY", "is a container registry"],
    ["page in place of tags", "source", list, page(200), "SOURCE_NOT_A_REGISTRY", "is a container registry"],
    ["page in place of the API", "source", ping, page(200), "SOURCE_NOT_A_REGISTRY", "is a container registry"],
    ["page in answer to a manifest", "target", push, page(200), "TARGET_NOT_A_REGISTRY", "is a container registry"],
    ["page in place of an upload", "target", upload, page(200), "TARGET_NOT_A_REGISTRY", "is a container registry"],
  ])("%s", async (_, side, ask, answer, code, hint) => {
    await using registry = await startRegistry({ faults: [fault("refuse", {}, async () => answer)] });
    await using client = createTestClient();
    const repository = client.repository(registry.host, { side, actions: ["pull", "push"] });

    const error = await thrownBy(() => ask(repository));

    expect(error).toMatchObject({ code, side, registry: registry.host, retryable: false });
    expect(String(error)).toContain(hint);
    expect(registry.countRequests()).toBe(1);
  });

  it("but a layer may have any content type", async () => {
    await using registry = await startRegistry({
      faults: [fault("html layer", { kind: "blob-head" }, async () => page(200))],
    });
    await using client = createTestClient();

    await expect(headBlob(client.repository(registry.host), pushed.root.digest, never)).resolves.toBeTypeOf("number");
  });
});
