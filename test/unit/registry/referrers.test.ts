import { describe, expect, it } from "vitest";
import { digestOf, digestSchema } from "../../../src/digest.ts";
import { getTaggedReferrers, listReferrers, referrersTag } from "../../../src/registry/referrers.ts";
import { ignoresFilters, pagedReferrers, tagIsDigest } from "../../helpers/faults-referrers.ts";
import { truncateBody } from "../../helpers/faults-source.ts";
import { startServer } from "../../helpers/http-server.ts";
import { artifact, descriptorOf, image, index, multiPlatformImage } from "../../helpers/images.ts";
import { startRegistry, type TestRegistryOptions } from "../../helpers/registry.ts";
import { createTestClient, thrownBy } from "../../helpers/registry-client.ts";

const never = new AbortController().signal;
const subject = image({ seed: "subject" });
const types = ["a/signature", "a/sbom", "a/attestation"];
const referrers = types.map((artifactType) =>
  artifact({ artifactType, subject: descriptorOf(subject), annotations: { of: artifactType } }),
);

async function list(options: TestRegistryOptions, artifactType?: string) {
  await using registry = await startRegistry(options);
  await using client = createTestClient();
  for (const each of [subject, ...referrers]) await registry.seedImage("team/app", undefined, each);
  const answer = await listReferrers(
    client.repository(registry.host),
    { subject: subject.root.digest, artifactType },
    never,
  );
  return { answer, requests: registry.countRequests({ kind: "referrers" }) };
}

const whole = {
  kind: "listed",
  referrers: referrers.map((each, at) => ({
    ...descriptorOf(each),
    artifactType: types[at],
    annotations: { of: types[at] },
  })),
};

describe("listReferrers", () => {
  it("lists what refers to a manifest", async () => {
    expect((await list({})).answer).toEqual(whole);
  });

  it("follows the pages", async () => {
    expect(await list({ faults: [pagedReferrers(1)] })).toEqual({ answer: whole, requests: 3 });
  });

  it("asks again for a page that breaks off", async () => {
    const breaks = truncateBody({ kind: "referrers", afterBytes: 10, times: 2 });

    expect(await list({ faults: [breaks] })).toEqual({ answer: whole, requests: 3 });
  });

  it("asks for one type, and takes all from a registry that does not filter", async () => {
    expect((await list({}, "a/sbom")).answer).toMatchObject({ referrers: [{ artifactType: "a/sbom" }] });
    expect((await list({ faults: [ignoresFilters()] }, "a/sbom")).answer).toEqual(whole);
  });

  it("answers an empty list where there are none", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await registry.seedImage("team/app", undefined, subject);

    const answer = await listReferrers(client.repository(registry.host), { subject: subject.root.digest }, never);

    expect(answer).toEqual({ kind: "listed", referrers: [] });
  });

  it("finds that the API is missing", async () => {
    expect((await list({ behaviour: { referrers: "missing" } })).answer).toEqual({ kind: "missing" });
  });

  it.each([
    [405, "application/json", "missing"],
    [406, "application/json", "missing"],
    [401, "application/json", "missing"],
    [501, "application/json", "missing"],
    [200, "text/html", "missing"],
    [403, "application/json", "SOURCE_FORBIDDEN"],
    [429, "application/json", "SOURCE_RATE_LIMITED"],
    [200, "application/json", "SOURCE_UNAVAILABLE"],
  ])("takes %i %s for %s", async (status, type, want) => {
    await using server = await startServer(() => ({ status, headers: { "content-type": type }, body: "<html>" }));
    await using client = createTestClient();
    const repository = client.repository(server.host);

    const ask = () => listReferrers(repository, { subject: subject.root.digest }, never);

    if (want === "missing") expect(await ask()).toEqual({ kind: "missing" });
    else expect(await thrownBy(ask)).toMatchObject({ code: want });
  });
});

describe("a referrers API that is missing", () => {
  it("is told from a list that needs another sign-in by the challenge (goharbor/harbor#18305)", async () => {
    const challenge = { "www-authenticate": 'Basic realm="r"' };
    await using server = await startServer(() => ({ status: 401, headers: challenge }));
    await using client = createTestClient();

    const error = await thrownBy(() =>
      listReferrers(client.repository(server.host), { subject: subject.root.digest }, never),
    );

    expect(error).toMatchObject({ code: "SOURCE_UNAUTHORIZED" });
  });

  it("is seen by a redirect to another host, which is not asked (artifacthub/hub#4785)", async () => {
    await using web = await startServer(() => ({ status: 429 }), { hostname: "localhost" });
    const location = `${web.origin}/-/v2/packages/container/package/team%2Fapp%2Freferrers%2Fsha256`;
    await using server = await startServer(() => ({ status: 303, headers: { location } }));
    await using client = createTestClient();

    const answer = await listReferrers(client.repository(server.host), { subject: subject.root.digest }, never);

    expect(answer).toEqual({ kind: "missing" });
    expect(web.requests).toEqual([]);
  });

  it("is not seen by a redirect to the registry itself without TLS, which is refused", async () => {
    await using server = await startServer(({ headers }) => ({
      status: 307,
      headers: { location: `ftp://${headers.host}/moved` },
    }));
    await using client = createTestClient();

    const error = await thrownBy(() =>
      listReferrers(client.repository(server.host), { subject: subject.root.digest }, never),
    );

    expect(error).toMatchObject({ code: "HOST_NOT_ALLOWED" });
  });

  it("is not seen by a redirect within the registry, which is followed", async () => {
    await using server = await startServer(({ url }) =>
      url.startsWith("/v2/")
        ? { status: 307, headers: { location: "/moved" } }
        : { status: 200, headers: { "content-type": "application/json" }, body: '{"schemaVersion":2,"manifests":[]}' },
    );
    await using client = createTestClient();

    const answer = await listReferrers(client.repository(server.host), { subject: subject.root.digest }, never);

    expect(answer).toEqual({ kind: "listed", referrers: [] });
  });
});

describe("the fallback tag", () => {
  it("has a name of at most 97 characters", () => {
    const sha512 = digestSchema.parse(`sha512:${"ab".repeat(64)}`);

    expect(referrersTag(digestOf(new Uint8Array()))).toMatch(/^sha256-[0-9a-f]{64}$/);
    expect(referrersTag(sha512)).toBe(`sha512-${"ab".repeat(32)}`);
  });

  it("holds a list, nothing, or something else", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    const repository = client.repository(registry.host);
    const ask = () => getTaggedReferrers(repository, subject.root.digest, never);

    expect(await ask()).toEqual([]);
    await registry.seedImage("team/app", referrersTag(subject.root.digest), image({ seed: "foreign" }));
    expect(await ask()).toBeUndefined();
    const children = referrers.map((each) => ({ image: each }));
    await registry.seedImage("team/app", referrersTag(subject.root.digest), index({ children }));
    expect((await ask())?.map(({ digest }) => digest)).toEqual(referrers.map(({ root }) => root.digest));
  });

  it.each([
    ["an image", subject],
    ["an index", multiPlatformImage({})],
  ])("is not there where it stands for its subject, %s (oras-project/oras-go#1396)", async (_, pushed) => {
    await using registry = await startRegistry({ faults: [tagIsDigest()] });
    await using client = createTestClient();
    await registry.seedImage("team/app", "1", pushed);

    expect(await getTaggedReferrers(client.repository(registry.host), pushed.root.digest, never)).toEqual([]);
  });

  it("is looked for by HEAD, which is no pull at Docker Hub", async () => {
    await using registry = await startRegistry();
    await using client = createTestClient();
    await registry.seedImage("team/app", "1", subject);

    await getTaggedReferrers(client.repository(registry.host), subject.root.digest, never);

    expect(registry.requests.map(({ kind }) => kind)).toEqual(["manifest-head"]);
  });
});
