import { beforeEach, describe, expect, it } from "vitest";
import { type Rule, ruleSchema } from "../../../src/domain/rule-schema.ts";
import { createRules, type Rules } from "../../../src/store/rules.ts";
import { useTables } from "../../helpers/use-tables.ts";

const tables = useTables();
let rules: Rules;
let unreadable: string[];
beforeEach(() => {
  unreadable = [];
  tables.access.onUnreadable(({ rowKey }) => unreadable.push(rowKey));
  rules = createRules(tables.access);
});

const aRule = (name: string, repository = "team/*"): Rule =>
  ruleSchema.parse({ name, source: { registry: "dev", repositories: [repository] }, labels: { é: "'\u{1F600}" } });

async function put(rule: Rule): Promise<string> {
  const written = await rules.put(rule, "none");
  if (written === "conflict") throw new Error("an unconditional write met a conflict");
  return written.etag;
}

describe("createRules", () => {
  it("keeps rules by name", async () => {
    const [b, a] = [aRule("b"), aRule("a", "x".repeat(200))];
    const etag = await put(b);
    await put(a);

    expect(await rules.read("b")).toEqual({ rule: b, etag });
    expect((await rules.list()).map(({ rule }) => rule)).toEqual([a, b]);
    expect(await rules.read("c")).toBeUndefined();
  });

  it("lists all rules but one that a later version has written", async () => {
    await put(aRule("a"));
    await put(aRule("c"));
    await tables.access.table("Rules").insert({ partitionKey: "rules", rowKey: "b", v: 2, rule: '{"name":"b"}' });

    expect((await rules.list()).map(({ rule }) => rule.name)).toEqual(["a", "c"]);
    expect(unreadable).toEqual(["b"]);
    expect(await rules.find("b")).toBeDefined();
    expect(await rules.put(aRule("b"), "none")).toMatchObject({ isNew: false });
    expect((await rules.read("b"))?.rule).toEqual(aRule("b"));
  });

  it("says whether a rule is new", async () => {
    expect(await rules.put(aRule("a"), "none")).toMatchObject({ isNew: true });
    expect(await rules.put(aRule("a"), "none")).toMatchObject({ isNew: false });
  });

  it("writes and deletes only under the condition that is given", async () => {
    const first = await put(aRule("a"));
    const second = await put(aRule("a", "other"));

    expect(await rules.put(aRule("a"), "missing")).toBe("conflict");
    expect(await rules.put(aRule("a"), { etag: first })).toBe("conflict");
    expect(await rules.put(aRule("gone"), { etag: first })).toBe("conflict");
    expect(await rules.delete("a", { etag: first })).toBe("conflict");
    expect(await rules.delete("a", { etag: second })).toBe("deleted");
    expect(await rules.delete("a", "none")).toBe("deleted");
    expect(await rules.list()).toEqual([]);
  });
});
