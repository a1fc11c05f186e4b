import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/digest.ts";
import { getBlob, headBlob } from "../../../src/registry/blobs.ts";
import type { HostFacts } from "../../../src/registry/host-board.ts";
import { getManifest, headManifest, putManifest } from "../../../src/registry/manifests.ts";
import { profileFor } from "../../../src/registry/profiles.ts";
import {
  likeDockerHub,
  likeEcrPublic,
  throttlesByPage,
  throttlesPutImage,
  withHeaders,
} from "../../helpers/faults-profiles.ts";
import { image } from "../../helpers/images.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createTestClient, emptyBoard, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;

describe("profiles by host", () => {
  it.each([
    ["team.azurecr.io", "acr"],
    ["team.azurecr.cn:443", "acr"],
    ["ghcr.io", "ghcr"],
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr"],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", "ecr"],
    ["public.ecr.aws", "ecrpublic"],
    ["europe-docker.pkg.dev", "gar"],
    ["eu.gcr.io", "gar"],
    ["registry.gitlab.com", "gitlab"],
    ["registry-1.docker.io", "dockerhub"],
    ["quay.io", "quay"],
    ["team.jfrog.io", "artifactory"],
    ["team.azurecr.io.example", "unknown"],
    ["registry.example", "unknown"],
  ])("%s is %s", (host, name) => {
    expect(profileFor(host, undefined).name).toBe(name);
  });
});

describe("profiles by the headers of an answer", () => {
  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["ACR under a domain of its own (oras-project/oras#1382)", { server: "AzureContainerRegistry" }, "acr"],
    ["Artifactory (jfrog/charts#455)", { server: "Artifactory/6.11.6" }, "artifactory"],
    ["Artifactory behind a proxy (jfrog/charts#455)", { "x-artifactory-id": "6e921143e3a9e856" }, "artifactory"],
    [
      "Harbor (goharbor/harbor#12192)",
      { "www-authenticate": 'Bearer realm="https://h.example/service/token",service="harbor-registry"' },
      "harbor",
    ],
    [
      "GitLab (oras-project/oras-py#50)",
      { "www-authenticate": 'Bearer realm="https://g.example/jwt/auth",service="container_registry"' },
      "gitlab",
    ],
    ["GitLab (container-registry!166)", { "gitlab-container-registry-version": "2.9.0-gitlab" }, "gitlab"],
    ["distribution, which many others look like", { "docker-distribution-api-version": "registry/2.0" }, "unknown"],
  ])("recognise %s", async (_, headers, name) => {
    await using registry = await startRegistry({ faults: [withHeaders(headers)] });
    const learned: HostFacts[] = [];
    const board = { ...emptyBoard, learn: async (_: string, facts: HostFacts) => void learned.push(facts) };
    await using client = createTestClient({ board });
    const repository = client.repository(registry.host);

    await headManifest(repository, "1", never);
    await headManifest(repository, "1", never);

    expect(repository.registry.profile.name).toBe(name);
    expect(learned).toEqual(name === "unknown" ? [] : [{ profile: name }]);
  });

  it("are not looked for where the operator has named one", async () => {
    await using registry = await startRegistry({ faults: [withHeaders({ server: "AzureContainerRegistry" })] });
    await using client = createTestClient();
    const repository = client.repository(registry.host, { profile: "zot" });

    await headManifest(repository, "1", never);

    expect(repository.registry.profile.name).toBe("zot");
  });

  it("are known to a new process from what another one has learned", async () => {
    const board = { ...emptyBoard, read: async () => ({ pauses: [], facts: { profile: "gar", maxPutBytes: 5 } }) };
    await using client = createTestClient({ board });
    const { registry } = client.repository("r.example");

    await registry.recall(never);

    expect(registry.profile).toMatchObject({ name: "gar", chunkBytes: 0 });
    expect(registry.learned.maxPutBytes).toBe(5);
  });
});

describe("ECR", () => {
  it("is asked again a while after it has throttled PutImage (containerd/containerd#10447)", async () => {
    await using registry = await startRegistry({ faults: [throttlesPutImage({ times: 2 })] });
    await using client = createTestClient();
    const pushed = image({ layers: [100] });
    for (const { content } of pushed.blobs) await registry.seedBlob({ repository: "team/app", content });
    const actions = ["pull", "push"] as const;
    const repository = client.repository(registry.host, { side: "target", profile: "ecr", actions });

    await putManifest(repository, "1", pushed.root, never);

    expect(registry.tags("team/app")).toEqual({ 1: pushed.root.digest });
    expect(registry.countRequests({ kind: "manifest-put" })).toBe(3);
    expect(client.clock.sleeps.filter((ms) => ms > 0)).toHaveLength(2);
  });
});

describe("Quay", () => {
  it("is waited for when it says 429 by a web page, which is no sign of another host", async () => {
    await using registry = await startRegistry({ faults: [throttlesByPage()] });
    await using client = createTestClient();
    const pushed = await registry.seedImage("team/app", "1", image({ layers: [100] }));

    const found = await getManifest(client.repository(registry.host, { profile: "quay" }), "1", never);

    expect(found?.digest).toBe(pushed.root.digest);
    expect(client.clock.sleeps.filter((ms) => ms > 0)).toHaveLength(1);
  });
});

describe("public.ecr.aws", () => {
  it("is asked for a blob by GET of its first byte, since it refuses every HEAD (aws/containers-roadmap#2671)", async () => {
    await using registry = await startRegistry({ faults: likeEcrPublic() });
    await using client = createTestClient();
    const repository = client.repository(registry.host, { profile: "ecrpublic" });
    const pushed = await registry.seedBlob({ repository: "team/app", sizeBytes: 100_000 });
    const missing = digestOf(new Uint8Array(7));

    expect(await headBlob(repository, pushed.digest, never)).toBe(100_000);
    expect(await headBlob(repository, missing, never)).toBeUndefined();

    expect(registry.requests.map(({ kind, headers }) => [kind, headers.range])).toEqual([
      ["blob-get", "bytes=0-0"],
      ["blob-get", "bytes=0-0"],
    ]);
  });
});

describe("Docker Hub", () => {
  const pushed = image({ layers: [100] });

  it("is not asked for a manifest it would refuse, while HEADs and blobs go on (docker/hub-feedback#2464)", async () => {
    await using registry = await startRegistry({ faults: likeDockerHub({ pulls: 1 }) });
    await registry.seedImage("team/app", "1", pushed);
    await using client = createTestClient();
    const repository = client.repository(registry.host, { profile: "dockerhub" });
    const [layer] = pushed.blobs;
    if (layer === undefined) throw new Error("the image has no blob");

    await getManifest(repository, "1", never);
    const refused = await thrownBy(() => getManifest(repository, "1", never));
    const head = await headManifest(repository, "1", never);
    await using blob = await getBlob(repository, { digest: layer.descriptor.digest }, never);

    expect(refused).toMatchObject({ code: "SOURCE_RATE_LIMITED", retryable: true, retryAfterSeconds: 900 });
    expect(head?.digest).toBe(pushed.root.digest);
    expect(blob.isPartial).toBe(false);
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(1);
  });

  it("is looked at again after a quarter of an hour when a quota that others have used up is refused", async () => {
    await using registry = await startRegistry({ faults: likeDockerHub({ pulls: 0 }) });
    await registry.seedImage("team/app", "1", pushed);
    await using client = createTestClient();
    const repository = client.repository(registry.host, { profile: "dockerhub" });

    const refused = await thrownBy(() => getManifest(repository, "1", never));

    expect(refused).toMatchObject({ code: "SOURCE_RATE_LIMITED", retryAfterSeconds: 900 });
    expect(registry.countRequests({ kind: "manifest-get" })).toBe(1);
  });
});
