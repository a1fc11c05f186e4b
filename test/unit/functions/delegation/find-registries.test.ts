import { describe, expect, it } from "vitest";
import { parseRegistryResourceId, type RegistryResourceId } from "../../../../src/domain/arm-resource-id.ts";
import { createRegistries, type RegistryEntry } from "../../../../src/domain/registries.ts";
import { createFindRegistries } from "../../../../src/functions/delegation/find-registries.ts";
import { aRecord } from "../../../helpers/import-records.ts";
import { createFakeClock } from "../../../helpers/registry-client.ts";

const never = new AbortController().signal;
const place = { side: "target", registry: "prod.azurecr.io", stage: "resolve" } as const;
const id = parseRegistryResourceId(
  "/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/prod",
);

/** An Azure that has `registry`, and counts the walks through its subscriptions. */
function create(registry: () => RegistryResourceId | undefined) {
  const clock = createFakeClock();
  let walks = 0;
  const findRegistry = async () => {
    walks += 1;
    return registry();
  };
  const registries = createRegistries([], undefined);
  const { targetId } = createFindRegistries({ arm: { findRegistry }, registries, defaultTarget: undefined, ...clock });
  return { clock, targetId, walks: () => walks };
}

describe("a registry in Azure", () => {
  it("is looked for once, by however many imports at a time", async () => {
    const { targetId, walks } = create(() => id);

    const found = await Promise.all(Array.from({ length: 40 }, () => targetId(place, never)));

    expect(found).toEqual(Array(40).fill(id));
    expect(walks()).toBe(1);
  });

  it("that is not there is looked for again, but not for each import", async () => {
    let registry: RegistryResourceId | undefined;
    const { clock, targetId, walks } = create(() => registry);
    const missing = { code: "TARGET_REGISTRY_MISSING", retryable: false };

    await expect(targetId(place, never)).rejects.toMatchObject(missing);
    await expect(targetId(place, never)).rejects.toMatchObject(missing);
    const walksBefore = walks();
    registry = id;
    clock.advance(5 * 60_000);

    expect(walksBefore).toBe(1);
    expect(await targetId(place, never)).toEqual(id);
  });
});

describe("a source that is read from a mirror", () => {
  const upstream = "upstream.azurecr.io";
  const from = { side: "source", registry: "prod.azurecr.io", stage: "copy" } as const;
  const anId = (name: string) =>
    `/subscriptions/0b1f6471-1bf0-4dda-aec3-111122223333/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/${name}`;
  const { spec } = aRecord({ sourceRegistry: upstream });
  const named = { ...spec, source: { ...spec.source, resourceId: anId("upstream") } };

  const find = (auth: RegistryEntry["auth"]) => {
    const registries = createRegistries(
      [
        { host: upstream, auth: { kind: "anonymous" }, mirror: from.registry, resourceId: anId("upstream") },
        { host: from.registry, auth },
      ],
      undefined,
    );
    return createFindRegistries({
      arm: { findRegistry: async ({ registry }) => (registry === from.registry ? id : undefined) },
      ...{ registries, defaultTarget: undefined, ...createFakeClock() },
    }).sourceId(named, from, never);
  };

  it("is the mirror in Azure, where its own entry names it for the app's identity", async () => {
    expect(await find({ kind: "entra", clientId: undefined })).toEqual(id);
  });

  it("is read by its address where only the registry behind it is named so", async () => {
    expect(await find({ kind: "anonymous" })).toBeUndefined();
  });
});
