import { z } from "zod";
import { type SettingName, settingsSchema } from "../src/config.ts";
import { type SettingDescription, settingDescriptions } from "./setting-descriptions.ts";

/** The document whose tables are written from what config.ts knows. */
export const configurationPath = "docs/configuration.md";

const table = /^(<!-- settings: ([^\n]+) -->\n).*?(^<!-- end of settings -->$)/gms;
const metaSchema = z.looseObject({ values: z.string().optional() }).optional();

/** The document with its tables written anew; what stands between them is kept. Throws when a group has no place. */
export function writeTables(document: string): string {
  const places = [...document.matchAll(table)].map(([, , group]) => group);
  const homeless = settings().filter(([, { group }]) => !places.includes(group));
  if (homeless.length > 0) throw new Error(`no table for ${homeless.map(([name]) => name).join(", ")}`);
  return document.replaceAll(
    table,
    (_, begin: string, group: string, end: string) => `${begin}\n${rowsOf(group)}\n${end}`,
  );
}

function settings(): readonly (readonly [SettingName, SettingDescription])[] {
  const isSetting = (name: string): name is SettingName => name in settingDescriptions;
  return Object.keys(settingDescriptions)
    .filter(isSetting)
    .map((name) => [name, settingDescriptions[name]]);
}

function rowsOf(group: string): string {
  const rows = settings()
    .filter(([, description]) => description.group === group)
    .map(([name, description]) => {
      const { example, meaning } = description;
      return `| \`${name}\` | ${defaultOf(name, description)} | ${valuesOf(name)} | \`${example}\` | ${meaning} |\n`;
    });
  return `| setting | default | values | example | meaning |\n|---|---|---|---|---|\n${rows.join("")}`;
}

/** As somebody would write it into the settings. */
function defaultOf(name: SettingName, { withoutIt, example }: SettingDescription): string {
  const value = fixedDefault(settingsSchema.shape[name]);
  if (value !== undefined && withoutIt !== undefined) throw new Error(`${name} has a default: withoutIt says another`);
  const isList = example.startsWith("[");
  const text = Array.isArray(value) ? (isList ? JSON.stringify(value) : value.join(",")) : toText(value);
  return text === "" ? (withoutIt ?? "–") : `\`${text}\``;
}

function toText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function fixedDefault(schema: unknown): unknown {
  if (schema instanceof z.ZodDefault) return schema.def.defaultValue;
  return schema instanceof z.ZodPipe ? fixedDefault(schema.in) : undefined;
}

function valuesOf(name: SettingName): string {
  return statedValues(settingsSchema.shape[name]) ?? "text";
}

function statedValues(schema: unknown): string | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  const own = metaSchema.parse(schema.meta())?.values;
  if (own !== undefined) return own;
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional ? statedValues(schema.unwrap()) : undefined;
}
