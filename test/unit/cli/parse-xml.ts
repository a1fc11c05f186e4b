/** An element of an XML document; texts between its children are joined. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

/** Reads XML without namespaces, comments and CDATA as strictly as XML 1.0 wants it; throws for what is not well-formed. */
export function parseXml(xml: string): XmlElement {
  const declaration = /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/.exec(xml);
  if (declaration === null) throw new Error("no XML declaration");
  // XML 1.0, production [2] Char
  if (!/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u.test(xml))
    throw new Error("a character XML cannot hold");
  const document: XmlElement = { name: "", attributes: {}, children: [], text: "" };
  const open = [document];
  const rest = xml.slice(declaration[0].length);
  let end = 0;
  for (const token of rest.matchAll(/<(\/?)([a-z]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>|([^<>]+)/gy)) {
    const [all, isEnd, name = "", attributes = "", isEmpty, text] = token;
    end = token.index + all.length;
    const parent = open.at(-1);
    if (parent === undefined) throw new Error("content after the end");
    if (text !== undefined) parent.text += unescapeXml(text);
    else if (isEnd) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes another element`);
    } else {
      const element: XmlElement = { name, attributes: readAttributes(attributes), children: [], text: "" };
      parent.children.push(element);
      if (!isEmpty) open.push(element);
    }
  }
  const [root] = document.children;
  if (end !== rest.length || open.length !== 1 || document.children.length !== 1 || root === undefined)
    throw new Error(`not well-formed near ${JSON.stringify(rest.slice(end, end + 40))}`);
  return root;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function readAttributes(text: string): Record<string, string> {
  // An unescaped line end in an attribute reads as a blank.
  const pairs = [...text.matchAll(/([a-z]+)="([^"]*)"/g)].map(
    ([, name = "", value = ""]) => [name, unescapeXml(value.replace(/[\t\n\r]/g, " "))] as const,
  );
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw new Error("an attribute twice");
  return Object.fromEntries(pairs);
}

function unescapeXml(text: string): string {
  return text.replace(/&([^;]*);?/g, (all, name: string) => {
    const number = /^#(\d+)$/.exec(name)?.[1];
    const value = number === undefined ? entities[name] : String.fromCodePoint(Number(number));
    if (value === undefined || !all.endsWith(";")) throw new Error(`unknown entity ${all}`);
    return value;
  });
}
