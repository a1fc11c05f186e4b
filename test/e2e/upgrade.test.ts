import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasEnded } from "../../src/domain/import-record.ts";
import { type Azurite, startAzurite } from "../helpers/azurite.ts";
import { image } from "../helpers/images.ts";
import { expectImage, openWorld } from "./world.ts";

/** Another version of the service takes over the state of the one before. */

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

const versionSetting = "AzureFunctionsJobHost__extensions__durableTask__defaultVersion";

describe("an orchestration that was started by one version", () => {
  it("finishes on a host that runs the next one", async () => {
    const held = image({ layers: [3_000, 200], seed: "upgrade" });
    await using world = await openWorld(azurite);
    await world.source.seedImage("team/app", "1", held);
    const hold = world.source.hold({ kind: "blob-get" });
    const old = await world.start({ [versionSetting]: "1.0" });
    const { id } = await old.startImport({ source: `${world.source.host}/team/app:1` });
    await hold.reached;
    await old.kill("SIGTERM");
    hold.release();

    const next = await world.start({ [versionSetting]: "2.0" });
    const record = await next.waitForEnd(id);

    expect(record).toMatchObject({ state: "Succeeded", attempt: 1 });
    await expectImage(world.target, "team/app", held, "1");
  });

  it("waits, untouched, on a host that runs the one before", async () => {
    const small = image({ layers: [1_000], seed: "downgrade" });
    await using world = await openWorld(azurite);
    await world.source.seedImage("team/app", "1", small);
    const hold = world.source.hold({ kind: "manifest-get" });
    const next = await world.start({ [versionSetting]: "2.0" });
    const { id } = await next.startImport({ source: `${world.source.host}/team/app:1` });
    await hold.reached;
    await next.kill("SIGTERM");
    hold.release();

    const old = await world.start({ [versionSetting]: "1.0" });
    await old.importAndWait({ source: `${world.source.host}/team/app:1`, targetTags: ["other/app:1"] });
    const waiting = await old.read(id);
    await old.kill("SIGTERM");
    const again = await world.start({ [versionSetting]: "2.0" });

    expect(hasEnded(waiting.state)).toBe(false);
    expect(await again.waitForEnd(id)).toMatchObject({ state: "Succeeded", attempt: 1 });
  });
});
