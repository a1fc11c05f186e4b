import { readdirSync, readFileSync } from "node:fs";

/** A command that a document shows. */
export interface DocumentCommand {
  /** e.g. `docs/cli.md`. */
  readonly document: string;
  readonly line: number;
  /** As a shell takes it, without prompt and comment; lines that go on are kept as they are. */
  readonly text: string;
  /** The comment behind it. */
  readonly comment: string;
  /** What the document shows that it prints; undefined in scripts. */
  readonly shown: string | undefined;
}

const root = new URL("../../", import.meta.url);

/** Documents with commands, in the order in which somebody who tries them reads them. */
export const documents: readonly string[] = [
  ...["README.md", "docs/api.md", "docs/triggers.md", "docs/arm.md", "docs/cli.md"],
  ...readdirSync(new URL("docs/", root))
    .filter((name) => /^(?!(api|triggers|arm|cli)\.).*\.md$/.test(name))
    .map((name) => `docs/${name}`)
    .sort(),
  "infra/README.md",
];

/** The commands of a document's code blocks: each of a script (`sh`), those behind a `$ ` of a session (`text`, `console`). */
export function commandsOf(document: string): readonly DocumentCommand[] {
  const text = readFileSync(new URL(document, root), "utf8");
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^ *```/gms)].flatMap(
    ({ index, 1: indent = "", 2: kind = "", 3: block = "" }) => {
      const firstLine = text.slice(0, index).split("\n").length + 1;
      const lines = block
        .split("\n")
        .slice(0, -1)
        .map((line) => line.slice(indent.length)); // of a list's item
      if (kind === "sh") return scriptCommands(document, firstLine, lines);
      return kind === "text" || kind === "console" ? sessionCommands(document, firstLine, lines) : [];
    },
  );
}

function scriptCommands(document: string, firstLine: number, lines: readonly string[]): readonly DocumentCommand[] {
  const commands: DocumentCommand[] = [];
  for (let at = 0; at < lines.length; ) {
    const taken = takeCommand(lines.slice(at));
    const { text, comment } = parted(taken.join("\n"));
    if (text !== "") commands.push({ document, line: firstLine + at, text, comment, shown: undefined });
    at += taken.length;
  }
  return commands;
}

function sessionCommands(document: string, firstLine: number, lines: readonly string[]): readonly DocumentCommand[] {
  const commands: DocumentCommand[] = [];
  for (let at = 0; at < lines.length; ) {
    const [, command] = /^ *\$ (.*)/.exec(lines[at] ?? "") ?? [];
    if (command === undefined) {
      at += 1;
      continue;
    }
    const taken = takeCommand([command, ...lines.slice(at + 1)]);
    const rest = lines.slice(at + taken.length);
    const next = rest.findIndex((line) => /^ *\$ /.test(line));
    const printed = next === -1 ? rest : rest.slice(0, next);
    commands.push({ document, line: firstLine + at, ...parted(taken.join("\n")), shown: printed.join("\n") });
    at += taken.length + printed.length;
  }
  return commands;
}

/** The first lines up to the end of a command: no open quote or loop, no `\` or `|` that leads on. */
function takeCommand(lines: readonly string[]): readonly string[] {
  const ends = lines.findIndex((_, at) => isWhole(lines.slice(0, at + 1).join("\n")));
  return lines.slice(0, ends === -1 ? lines.length : ends + 1);
}

function isWhole(text: string): boolean {
  const { isOpen, bare } = withoutQuoted(text);
  return !isOpen && !/[\\|]\s*$/.test(bare) && (!/^\s*for\b/.test(bare) || /^\s*done$/m.test(bare));
}

function parted(text: string): { readonly text: string; readonly comment: string } {
  const { bare } = withoutQuoted(text); // as long as the text
  const at = /(^|\s+)#.*$/.exec(bare)?.index ?? text.length;
  return { text: text.slice(0, at).trim(), comment: text.slice(at).trim().replace(/^#\s*/, "") };
}

/** The text with an `x` for every quoted character, and whether a quote is open at its end. */
function withoutQuoted(text: string): { readonly bare: string; readonly isOpen: boolean } {
  let quote = "";
  let isEscaped = false;
  let bare = "";
  for (const character of text) {
    const isQuoted = quote !== "" || isEscaped;
    if (isEscaped) isEscaped = false;
    else if (character === "\\" && quote !== "'") isEscaped = true;
    else if (character === quote) quote = "";
    else if (quote === "" && /['"]/.test(character)) quote = character;
    bare += isQuoted && character !== "\n" ? "x".repeat(character.length) : character;
  }
  return { bare, isOpen: quote !== "" };
}
