const prefix = /^AzureFunctionsJobHost(?:__|:)/i;

type Section = Readonly<Record<string, unknown>>;

/**
 * host.json with the settings `AzureFunctionsJobHost__section__…__name` in place of what it says, names in any case.
 * Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json, "Override host.json values".
 */
export function overrideHostJson(hostJson: unknown, environment: NodeJS.ProcessEnv): unknown {
  if (!isSection(hostJson)) return hostJson;
  let overridden = hostJson;
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !prefix.test(name)) continue;
    overridden = put(overridden, name.replace(prefix, "").split(/__|:/), value);
  }
  return overridden;
}

function put(section: Section, [first = "", ...rest]: readonly string[], value: string): Section {
  const name = Object.keys(section).find((key) => key.toLowerCase() === first.toLowerCase()) ?? first;
  const known = section[name];
  return {
    ...section,
    [name]: rest.length === 0 ? toValue(value, known) : put(isSection(known) ? known : {}, rest, value),
  };
}

/** Settings are texts; numbers and truth values are what the reader of host.json expects in their place. */
function toValue(text: string, known: unknown): unknown {
  if (typeof known === "string") return text;
  if (/^\d+$/.test(text)) return Number(text);
  return /^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : text;
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
