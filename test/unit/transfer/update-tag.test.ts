import { expect, it } from "vitest";
import { createUpdateTag } from "../../../src/transfer/update-tag.ts";
import { startRegistry } from "../../helpers/registry.ts";
import { createKit } from "./transfer-kit.ts";

const never = new AbortController().signal;

it("waits for another writer of the tag no longer than its caller does", async () => {
  await using registry = await startRegistry();
  await using kit = createKit();
  const updateTag = createUpdateTag({ random: () => 0, sleep: kit.clock.sleep });
  const update = { target: kit.repository(registry, "target", "team/app"), tag: "list", change: async () => undefined };
  const hold = registry.hold({ kind: "manifest-get" });
  const writing = updateTag(update, never);
  await hold.reached;
  const caller = new AbortController();
  const waiting = updateTag(update, caller.signal);
  const reason = new Error("cancelled");

  caller.abort(reason);

  await expect(waiting).rejects.toBe(reason);
  hold.release();
  expect(await writing).toBe("kept");
});
