/** One challenge of a `WWW-Authenticate` header. Scheme and parameter names are in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A parameter with a quoted or bare value, or the scheme that begins the next challenge. RFC 9110 §11.6.1. */
const item =
  /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([\w!#$%&'*+.^`|~-]+)(?=[\s,]|$))/y;

/**
 * The challenges in a `WWW-Authenticate` header, several of which may stand in one line. What cannot be read ends
 * the list: a registry that garbles its second challenge is still usable by its first.
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const [, name, quoted, bare, scheme] of header.matchAll(new RegExp(item, "gy"))) {
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    const challenge = challenges.at(-1);
    if (name === undefined || challenge === undefined) continue;
    challenge.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
  }
  return challenges;
}
