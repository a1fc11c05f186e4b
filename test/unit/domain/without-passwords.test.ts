import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withoutPasswords } from "../../../src/domain/without-passwords.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("withoutPasswords", () => {
  it.each([
    ["a property", '{"a":{"Password":"hunter2","b":1}}', '{"a":{"b":1}}'],
    ["a broken message", '{"password":"hunter2"', '{"password":"[removed]"'],
    ["an open end", '{"password":"hunt\\"er2', '{"password":"[removed]"'],
    ["a form", "user=u&password=hunter2&x=1", 'user=u&password="[removed]"&x=1'],
    ["a URL", "see https://u:hunter2@host/x", "see https://host/x"],
  ])("takes it out of %s", (_, text, expected) => {
    expect(withoutPasswords(text)).toBe(expected);
  });

  it("takes it out of JSON within JSON, and of base64", () => {
    const inner = JSON.stringify({ password: "hunter2" });

    expect(withoutPasswords(JSON.stringify({ import: inner }))).not.toContain("hunter2");
    expect(withoutPasswords(`${JSON.stringify({ import: inner })} and no JSON`)).not.toContain("hunter2");
    expect(withoutPasswords(base64(inner))).toBe("{}");
  });

  it("leaves alone what holds none, to the byte", () => {
    const anyJson = fc.json().filter((text) => !/passw|:\/\//i.test(text));

    fc.assert(
      fc.property(fc.oneof(anyJson, fc.constant(base64('{ "v": 1 }'))), (text) => withoutPasswords(text) === text),
    );
  });

  it("keeps no value under a name that says password, however deep", () => {
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.constant(1), // where the depth ends
        fc.record({ password: fc.constant("hunter2"), inner: tie("node") }),
        fc.array(tie("node"), { maxLength: 3 }),
      ),
    })).node;

    fc.assert(fc.property(tree, (value) => !withoutPasswords(JSON.stringify(value)).includes("hunter2")));
  });

  it("bears what is nested too deeply to be walked", () => {
    const deep = `${"[".repeat(30_000)}{"password":"hunter2"}${"]".repeat(30_000)}`;

    expect(withoutPasswords(deep)).not.toContain("hunter2");
  });
});
