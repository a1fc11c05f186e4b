import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AddressKind, isInBlock, kindOfAddress } from "../../src/ip-address.ts";

const examples: Readonly<Record<AddressKind, readonly string[]>> = {
  public: ["8.8.8.8", "172.32.0.1", "172.15.255.255", "11.0.0.0", "100.128.0.0", "169.253.0.1", "223.255.255.255"],
  private: ["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.7.7", "100.64.0.1", "100.127.0.1"],
  loopback: ["127.0.0.1", "127.255.255.255"],
  metadata: ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"],
  "link-local": ["169.254.0.1", "169.254.255.255"],
  unspecified: ["0.0.0.0", "0.1.2.3"],
  multicast: ["224.0.0.1", "239.255.255.255"],
  documentation: ["192.0.2.1", "198.51.100.7", "203.0.113.255"],
  reserved: ["192.0.0.8", "192.88.99.1", "198.18.0.1", "198.19.255.255", "240.0.0.1", "255.255.255.255"],
};
const examplesOf6: Readonly<Record<AddressKind, readonly string[]>> = {
  public: ["2606:4700::1111", "2a00:1450:4001:801::200e", "3ffe::1", "2001:4860:4860::8888"],
  private: ["fc00::1", "fdff:ffff::1", "fd00:ec3::1"],
  loopback: ["::1", "0:0:0:0:0:0:0:1"],
  metadata: ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"],
  "link-local": ["fe80::1", "febf::1", "fe80::1%eth0"],
  unspecified: ["::", "0:0::0"],
  multicast: ["ff02::1", "ffff::"],
  documentation: ["2001:db8::1", "3fff:fff::1"],
  reserved: ["2002:a00:1::", "2001:0:a::1", "::127.0.0.1", "fec0::1", "100::1", "64:ff9b:1::a00:1", "4000::1", "::2"],
};

describe("kindOfAddress", () => {
  it.each(
    [examples, examplesOf6].flatMap((byKind) =>
      Object.entries(byKind).flatMap(([kind, addresses]) => addresses.map((address) => [address, kind] as const)),
    ),
  )("says of %s that it is %s", (address, kind) => {
    expect(kindOfAddress(address)).toBe(kind);
  });

  it("judges an IPv4 address within an IPv6 one as the address itself, however it is written", () => {
    const anyIpv4 = fc.oneof(fc.ipV4(), fc.constantFrom(...Object.values(examples).flat()));

    fc.assert(
      fc.property(anyIpv4, (address) => {
        for (const form of embeddedForms(address)) expect(kindOfAddress(form), form).toBe(kindOfAddress(address));
      }),
    );
  });

  it("finds no way around a refused IPv4 address through 6to4", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(kindOfAddress(`2002:${hexOf(address)}::1`)).toBe("reserved");
      }),
    );
  });

  it("knows every IPv6 address, in the short form and in the long one", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
        expect(kindOfAddress(address)).toBeDefined();
        expect(kindOfAddress(address)).toBe(kindOfAddress(canonical));
      }),
    );
  });

  it.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "g::",
    "::1.2.3",
  ])("knows that %j is no address", (text) => {
    expect(kindOfAddress(text)).toBeUndefined();
  });
});

describe("isInBlock", () => {
  it.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.0.0.5", "10.0.0.4/31", true],
    ["10.0.0.6", "10.0.0.4/31", false],
    ["1.2.3.4", "0.0.0.0/0", true],
    ["1.2.3.4", "1.2.3.4", true],
    ["::ffff:10.1.2.3", "10.0.0.0/8", true],
    ["fd00::1", "fd00::/8", true],
    ["1.2.3.4", "::/0", false],
    ["host", "0.0.0.0/0", false],
    ["1.2.3.4", "0.0.0.0/33", false],
    ["1.2.3.4", "0.0.0.0/x", false],
  ])("says of %s in %s: %s", (address, block, expected) => {
    expect(isInBlock(address, block)).toBe(expected);
  });
});

function embeddedForms(address: string): readonly string[] {
  const hex = hexOf(address);
  return [
    `::ffff:${address}`,
    `::FFFF:${hex.toUpperCase()}`,
    `0:0:0:0:0:ffff:${address}`,
    `0000:0000:0000:0000:0000:ffff:${hex}`,
    `64:ff9b::${address}`,
    `64:ff9b:0:0:0:0:${hex}`,
  ];
}

function hexOf(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}
