import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { referrersTag } from "../../src/registry/referrers.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { artifact, descriptorOf, image, multiPlatformImage } from "../helpers/images.ts";
import { expectImage, openWorld } from "./world.ts";

/** The service is killed with SIGKILL while it publishes what belongs to an image, at a target without the referrers API. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const repository = "team/app";
const app = multiPlatformImage({ seed: "crash" });
const signature = artifact({ artifactType: "a/signature", subject: descriptorOf(app) });
const cosign = image({ seed: "crash cosign" });
const sig = `${app.root.digest.replace(":", "-")}.sig`;
const list = referrersTag(app.root.digest);

describe("a service that is killed while it publishes referrers", () => {
  it.each([
    ["the signature was there and not listed", signature.root.digest, "answer", []],
    ["the list was about to be written", list, "request", []],
    ["the list was there and nobody was told", list, "answer", [list]],
    ["the tag of the image was about to be set", "1", "request", [list, sig]],
  ] as const)("brings all of it when it was killed as %s", async (_, reference, at, tags) => {
    await using world = await openWorld(azurite, { target: { behaviour: { referrers: "missing" } } });
    const { source, target } = world;
    await source.seedImage(repository, "1", app);
    await source.seedImage(repository, undefined, signature);
    await source.seedImage(repository, sig, cosign);
    const first = await world.start();
    const { reached } = target.hold({ kind: "manifest-put", reference }, at);
    const { id } = await first.startImport({ source: `${source.host}/${repository}:1`, referrers: true });
    await reached;
    await first.kill("SIGKILL");
    expect(Object.keys(target.tags(repository))).not.toContain("1");
    expect(Object.keys(target.tags(repository))).toEqual(expect.arrayContaining([...tags]));

    const service = await world.start();
    const record = await service.waitForEnd(id);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(target, repository, app, "1");
    await expectImage(target, repository, signature, undefined);
    await expectImage(target, repository, cosign, sig);
    const index: { manifests: { digest: string }[] } = JSON.parse(
      new TextDecoder().decode((await target.readManifest(repository, list))?.bytes),
    );
    expect(index.manifests.map(({ digest }) => digest)).toEqual([signature.root.digest]);
    expect((await service.parts(id)).filter(({ state }) => state !== "done")).toEqual([]);
  });
});
