import { describe, expect, it } from "vitest";
import { createCopyUnit } from "../../../src/transfer/copy-unit.ts";
import { foretellMounts } from "../../../src/transfer/mount-sources.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

interface Case {
  readonly rule: string;
  readonly sourceIs: "elsewhere" | "the target's host";
  /** Of the target; the blob is to come into those at `lackingAt`, and is in the others. */
  readonly repositories: readonly string[];
  readonly lackingAt: readonly number[];
  readonly mountedAt: readonly number[];
}

const cases: readonly Case[] = [
  {
    rule: "nothing into the only repository of another host",
    ...{ sourceIs: "elsewhere", repositories: ["team/a"], lackingAt: [0], mountedAt: [] },
  },
  {
    rule: "a mount into every repository but the first, which is streamed to",
    ...{ sourceIs: "elsewhere", repositories: ["team/a", "team/b", "team/c"], lackingAt: [0, 1, 2], mountedAt: [1, 2] },
  },
  {
    rule: "a mount into the first where another one holds the blob already",
    ...{ sourceIs: "elsewhere", repositories: ["team/a", "team/b"], lackingAt: [0], mountedAt: [0] },
  },
  {
    rule: "a mount from the source where both are one host",
    ...{ sourceIs: "the target's host", repositories: ["team/a", "team/b"], lackingAt: [0, 1], mountedAt: [0, 1] },
  },
];

describe("foretellMounts", () => {
  it.each(cases)("foretells $rule, and so does the copy", async ({ sourceIs, repositories, lackingAt, mountedAt }) => {
    await using elsewhere = await startRegistry();
    await using target = await startRegistry();
    await using kit = createKit();
    const from = sourceIs === "elsewhere" ? elsewhere : target;
    const blob = await from.seedBlob({ repository: "from/app", sizeBytes: 1_000 });
    for (const [at, repository] of repositories.entries())
      if (!lackingAt.includes(at)) await target.seedBlob({ repository, content: blob.content });
    const source = kit.repository(from, "source", "from/app");
    const targets = repositories.map((name) => kit.repository(target, "target", name));
    const unit = { n: 0, blobs: [{ digest: blob.digest, sizeBytes: blob.sizeBytes, targets: [...lackingAt] }] };

    const isMount = foretellMounts({ plan: { units: [unit], large: [] }, source, targets });

    expect(lackingAt.filter((at) => isMount(at, blob.digest))).toEqual(mountedAt);
    const copied = await createCopyUnit({ copyBlob: kit.copyBlob, parallelBlobs: 1 })(
      unit,
      {
        ...{
          source,
          targets,
          headFirst: false,
          isRepair: false,
          isRepeated: false,
          onCut: () => {},
          owner: "import-1",
          budget: kit.budget(),
        },
        ...{ readInline: async () => new Uint8Array(), onPart: () => {}, onProgress: () => {} },
      },
      new AbortController().signal,
    );
    const mounted = copied.parts.filter(({ via }) => via === "mounted");
    expect(mounted.map((part) => part.target)).toEqual(mountedAt);
  });
});
