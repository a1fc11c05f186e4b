import { parseJson } from "../json.ts";

/**
 * A message's text without the passwords that it should never have held, for where it is kept. A text that holds none
 * comes back as it is. Of what is no JSON, anything that looks like a password's value is blanked.
 */
export function withoutPasswords(text: string): string {
  const shown = decodeBase64Object(text) ?? text;
  const blanked = blankPasswords(shown);
  const parsed = parseMessageJson(shown);
  if (parsed === undefined) return blanked === shown ? text : blanked;
  const stripped = strip(parsed);
  const isClean = JSON.stringify(stripped) === JSON.stringify(parsed);
  return isClean ? text : JSON.stringify(stripped);
}

/** The JSON object that a text is the base64 of: some senders encode by default. */
export function decodeBase64Object(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) return undefined;
  const decoded = Buffer.from(text, "base64").toString("utf8");
  return /^\s*\{/.test(decoded) && parseMessageJson(decoded) !== undefined ? decoded : undefined;
}

/** The parsed text, or undefined where it is no JSON or is nested deeper than any message. */
export function parseMessageJson(text: string): unknown {
  return depthOf(text) > maxDepth ? undefined : parseJson(text);
}

const maxDepth = 200; // deeper than any message; what walks and prints values would overflow the stack further down

/** Never less than how deep the JSON is nested: brackets in texts count too. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const char of text) {
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function strip(value: unknown): unknown {
  if (typeof value === "string") return blankPasswords(value); // JSON within JSON
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !/password/i.test(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, strip(inner)]));
}

/** `password=x`, `"password":"x"`, `\"password\":\"x\"`, and the user info of a URL. */
function blankPasswords(text: string): string {
  return text
    .replace(
      /(passw(?:or)?d\\*["']?\s*[:=]\s*)(?:\\+"(?:[^"\\]|\\(?!\\*"))*(?:\\+")?|"(?:[^"\\]|\\[\s\S])*"?|'[^']*'?|[^\s,;&}"']+)/gi,
      '$1"[removed]"',
    )
    .replace(/:\/\/[^/\s@"']*@/g, "://");
}
