import { z } from "zod";
import { type Rule, ruleSchema } from "../domain/rule-schema.ts";
import { readText, textColumns } from "./columns.ts";
import type { TableAccess } from "./storage-client.ts";
import { contended } from "./storage-errors.ts";
import type { Row, RowKeys } from "./table.ts";

/** A rule and the ETag of its row. */
export interface StoredRule {
  readonly rule: Rule;
  readonly etag: string;
}

/** What must hold of the row for a write: it has this ETag, there is none, or nothing. */
export type RuleCondition = { readonly etag: string } | "missing" | "none";

/** Table `Rules`: one row per rule. */
export interface Rules {
  readonly read: (name: string) => Promise<StoredRule | undefined>;
  /** The ETag of a rule, whether it can be read or not; undefined: there is none. */
  readonly find: (name: string) => Promise<string | undefined>;
  /** All rules by name, without those that this version cannot read. */
  readonly list: () => Promise<readonly StoredRule[]>;
  /** `conflict`: the condition does not hold. */
  readonly put: (
    rule: Rule,
    condition: RuleCondition,
  ) => Promise<{ readonly etag: string; readonly isNew: boolean } | "conflict">;
  /** One that is gone already is deleted. */
  readonly delete: (name: string, condition: Exclude<RuleCondition, "missing">) => Promise<"deleted" | "conflict">;
}

const maxTries = 5;

/** Opens table `Rules`. */
export function createRules(access: TableAccess): Rules {
  const table = access.table("Rules");
  const read: Rules["read"] = async (name) => {
    const stored = await table.read(keysOf(name));
    return stored && { rule: ruleRow.decode(stored.row), etag: stored.etag };
  };
  const replace = async (row: Row, etag: string) => {
    const replaced = await table.replace(row, etag);
    return replaced === "conflict" ? replaced : { etag: replaced.etag, isNew: false };
  };
  return {
    read,
    find: async (name) => (await table.read(keysOf(name)))?.etag,
    list: async () => {
      const rules: StoredRule[] = [];
      for await (const stored of table.query({ filter: "" }))
        rules.push(...table.readable([stored], ({ row, etag }) => ({ rule: ruleRow.decode(row), etag })));
      return rules;
    },
    put: async (rule, condition) => {
      const row = ruleRow.encode(rule);
      if (typeof condition !== "string") return await replace(row, condition.etag);
      for (let tries = 0; tries < maxTries; tries += 1) {
        const inserted = await table.insert(row);
        if (inserted !== "exists") return { etag: inserted.etag, isNew: true };
        if (condition === "missing") return "conflict";
        const stored = await table.read(row);
        const replaced = stored && (await replace(row, stored.etag));
        if (replaced !== undefined && replaced !== "conflict") return replaced;
      }
      throw contended(table.name);
    },
    delete: (name, condition) => table.delete(keysOf(name), condition === "none" ? undefined : condition.etag),
  };
}

const ruleRowSchema = z.looseObject({ v: z.literal(1) });

export const ruleRow = {
  encode: (rule: Rule): Row => ({ ...keysOf(rule.name), v: 1, ...textColumns("rule", JSON.stringify(rule)) }),
  decode: (row: unknown): Rule => ruleSchema.parse(JSON.parse(readText(ruleRowSchema.parse(row), "rule") ?? "")),
};

/** One partition: all of them are read together. */
function keysOf(name: string): RowKeys {
  return { partitionKey: "rules", rowKey: name };
}
