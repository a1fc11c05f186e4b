import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSealer, type SealingKey } from "../../../src/store/sealing.ts";

const place = ["Secrets", "import", "source"];
const aKey = (id: string): SealingKey => ({ id, key: randomBytes(32) });

describe("createSealer", () => {
  it("opens what it sealed, whatever the text", () => {
    const sealer = createSealer([aKey("k")]);

    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(sealer.open(sealer.seal(text, place), place)).toBe(text);
      }),
    );
  });

  it("shows nothing of the text, and never the same bytes twice", () => {
    const sealer = createSealer([aKey("k")]);

    const [first, second] = [sealer.seal("hunter2-hunter2", place), sealer.seal("hunter2-hunter2", place)];

    expect(Buffer.from(first).includes("hunter2")).toBe(false);
    expect(Buffer.from(first).equals(second)).toBe(false);
  });

  it("opens nothing at another place", () => {
    const sealer = createSealer([aKey("k")]);
    const sealed = sealer.seal("hunter2", place);

    expect(sealer.open(sealed, ["Secrets", "another import", "source"])).toBeUndefined();
    expect(sealer.open(sealed, ["Secrets", "importsource"])).toBeUndefined();
    expect(sealer.open(sealed, [])).toBeUndefined();
  });

  it("opens nothing with another key, not even of the same name", () => {
    const sealed = createSealer([aKey("k")]).seal("hunter2", place);

    expect(createSealer([aKey("k")]).open(sealed, place)).toBeUndefined();
    expect(createSealer([aKey("other")]).open(sealed, place)).toBeUndefined();
    expect(createSealer([]).open(sealed, place)).toBeUndefined();
  });

  it("opens nothing that was changed or cut, wherever", () => {
    const sealer = createSealer([aKey("k")]);
    const sealed = sealer.seal("hunter2", place);

    for (let at = 0; at < sealed.byteLength; at += 1) {
      const changed = Uint8Array.from(sealed, (byte, index) => (index === at ? byte ^ 1 : byte));
      expect(sealer.open(changed, place)).toBeUndefined();
      expect(sealer.open(sealed.subarray(0, at), place)).toBeUndefined();
    }
  });

  it("seals with the newest key and opens with the older ones too", () => {
    const [older, newer] = [aKey("older"), aKey("newer")];
    const sealedBefore = createSealer([older]).seal("before", place);
    const rotated = createSealer([newer, older]);

    const sealedAfter = rotated.seal("after", place);

    expect(rotated.open(sealedBefore, place)).toBe("before");
    expect(createSealer([newer]).open(sealedAfter, place)).toBe("after");
    expect(createSealer([older]).open(sealedAfter, place)).toBeUndefined();
  });

  it("refuses to seal without a key and says what to do", () => {
    const sealer = createSealer([]);

    expect(sealer.isAvailable).toBe(false);
    expect(() => sealer.seal("hunter2", place)).toThrow(
      expect.objectContaining({ code: "INVALID_REQUEST", message: expect.stringContaining("SECRETS_KEY") }),
    );
  });

  it("takes no key of another length", () => {
    expect(() => createSealer([{ id: "short", key: randomBytes(16) }])).toThrow("short");
  });
});
