/** What an address is for. Only public ones are reached without the operator's word; see registry/network-guard.ts. */
export type AddressKind =
  | "public"
  | "private"
  | "loopback"
  | "metadata"
  | "link-local"
  | "unspecified"
  | "multicast"
  | "documentation"
  | "reserved";

/**
 * The kind of an IPv4 or IPv6 address, undefined for text that is none. An IPv4 address within an IPv6 one counts as
 * what it is itself. Sources: the IANA registries of special-purpose addresses (RFC 6890).
 */
export function kindOfAddress(text: string): AddressKind | undefined {
  const address = parseAddress(text);
  return address === undefined ? undefined : kindOf(address);
}

/** Whether an address is in a block like `10.0.0.0/8`; a block without a length is one address. */
export function isInBlock(text: string, block: string): boolean {
  const address = parseAddress(text);
  const parsed = parseBlock(block);
  return address !== undefined && parsed !== undefined && contains(parsed, inner(address));
}

/** 4 or 16 numbers from 0 to 255. */
type Bytes = readonly number[];

interface Block {
  readonly first: Bytes;
  readonly prefix: number;
}

function kindOf(address: Bytes): AddressKind {
  const bytes = inner(address);
  const known = kinds.find(([block]) => contains(block, bytes))?.[1];
  if (known !== undefined) return known;
  return bytes.length === 4 || contains(globalUnicast, bytes) ? "public" : "reserved";
}

const blocks = (kind: AddressKind, ...texts: readonly string[]): readonly (readonly [Block, AddressKind])[] =>
  texts.flatMap((text) => {
    const block = parseBlock(text);
    return block === undefined ? [] : [[block, kind] as const];
  });

/** The first that matches counts: single services stand before the block they are in. */
const kinds = [
  // AWS, Azure, Google and OpenStack; ECS tasks; Azure's wire server; Alibaba; Oracle; EC2 and Google over IPv6
  ...blocks("metadata", "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
  ...blocks("metadata", "fd00:ec2::/32", "fd20:ce::254"),
  ...blocks("unspecified", "0.0.0.0/8", "::"),
  ...blocks("loopback", "127.0.0.0/8", "::1"),
  ...blocks("link-local", "169.254.0.0/16", "fe80::/10"),
  ...blocks("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
  ...blocks("documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
  ...blocks("multicast", "224.0.0.0/4", "ff00::/8"),
  ...blocks("reserved", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
  // Teredo and other protocol assignments, and 6to4: abandoned, and ways to addresses that the text does not show
  ...blocks("reserved", "2001::/23", "2002::/16"),
];

/** Of IPv6, only this is handed out for hosts of the internet. RFC 4291 */
const globalUnicast: Block = { first: [0x20, ...zeros(15)], prefix: 3 };

/** IPv4-mapped (RFC 4291) and NAT64 (RFC 6052): these lead to the IPv4 address in their last four bytes. */
const embeddings: readonly Block[] = [
  { first: [...zeros(10), 0xff, 0xff, ...zeros(4)], prefix: 96 },
  { first: [0x00, 0x64, 0xff, 0x9b, ...zeros(12)], prefix: 96 },
];

function inner(address: Bytes): Bytes {
  return embeddings.some((block) => contains(block, address)) ? address.slice(12) : address;
}

function contains({ first, prefix }: Block, address: Bytes): boolean {
  if (first.length !== address.length) return false;
  return first.every((byte, at) => {
    const ignoredBits = Math.min(8, Math.max(0, 8 * (at + 1) - prefix));
    return byte >> ignoredBits === (address[at] ?? 0) >> ignoredBits;
  });
}

function parseBlock(text: string): Block | undefined {
  const [address = "", length, ...rest] = text.split("/");
  const first = parseAddress(address);
  if (first === undefined || rest.length > 0) return undefined;
  const prefix = length === undefined ? first.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return prefix <= first.length * 8 ? { first, prefix } : undefined;
}

function parseAddress(text: string): Bytes | undefined {
  return text.includes(":") ? parseIpv6(text.split("%", 1).join("")) : parseIpv4(text);
}

function parseIpv4(text: string): Bytes | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split(".").map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): Bytes | undefined {
  const [head = "", tail, ...rest] = text.split("::");
  const before = parseGroups(head, tail === undefined);
  const after = tail === undefined ? [] : parseGroups(tail, true);
  if (rest.length > 0 || before === undefined || after === undefined) return undefined;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...before, ...zeros(missing), ...after];
}

/** `2001:db8` or, at the end of an address, `ffff:192.0.2.1`. */
function parseGroups(text: string, mayEndInIpv4: boolean): Bytes | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const parsed = groups.map((group, at): Bytes | undefined => {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 255];
    }
    return mayEndInIpv4 && at === groups.length - 1 ? parseIpv4(group) : undefined;
  });
  return parsed.some((bytes) => bytes === undefined) ? undefined : parsed.flatMap((bytes) => bytes ?? []);
}

function zeros(count: number): Bytes {
  return Array.from({ length: count }, () => 0);
}
