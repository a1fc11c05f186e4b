/**
 * Whether a host is local or private by its very name: `localhost`, and literal addresses that are not public
 * (RFC 6890 and the registries of special-purpose addresses). `host` is normalised (`normaliseHost`).
 */
export function isPrivateHost(host: string): boolean {
  const name = host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : host.replace(/:\d+$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (name.startsWith("[")) return isPrivateIpv6(name.slice(1, -1));
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) && isPrivateIpv4(name.split(".").map(Number));
}

/** First address and prefix length of each block. */
const privateIpv4Blocks: readonly (readonly [readonly number[], number])[] = [
  [[0, 0, 0, 0], 8],
  [[10, 0, 0, 0], 8],
  [[100, 64, 0, 0], 10],
  [[127, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[172, 16, 0, 0], 12],
  [[192, 0, 0, 0], 24],
  [[192, 168, 0, 0], 16],
  [[198, 18, 0, 0], 15],
  [[224, 0, 0, 0], 3], // multicast and reserved
];

function isPrivateIpv4(octets: readonly number[]): boolean {
  const value = toNumber(octets);
  return privateIpv4Blocks.some(([first, prefix]) => {
    const blockSize = 2 ** (32 - prefix);
    return Math.floor(value / blockSize) === Math.floor(toNumber(first) / blockSize);
  });
}

function toNumber(octets: readonly number[]): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

function isPrivateIpv6(address: string): boolean {
  const groups = expandIpv6(address);
  const [first = 0, second = 0] = groups;
  const embedded = [groups[6] ?? 0, groups[7] ?? 0].flatMap((group) => [group >> 8, group & 255]);
  const isPrefix = (...wanted: readonly number[]) => wanted.every((group, at) => groups[at] === group);
  if (isPrefix(0, 0, 0, 0, 0)) return groups[5] !== 0xffff || isPrivateIpv4(embedded); // ::, ::1, ::a.b.c.d; ::ffff:a.b.c.d
  if (isPrefix(0x64, 0xff9b, 0, 0, 0, 0)) return isPrivateIpv4(embedded); // NAT64
  // Only 2000::/3 is handed out as global unicast; of it 6to4 (2002::/16) and Teredo (2001::/32) lead to other addresses.
  return (first & 0xe000) !== 0x2000 || first === 0x2002 || (first === 0x2001 && second === 0);
}

/** Eight groups of an address in the form that URLs write: hexadecimal, at most one `::`. */
function expandIpv6(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const read = (text: string) => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const before = read(head);
  if (tail === undefined) return before;
  const after = read(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
