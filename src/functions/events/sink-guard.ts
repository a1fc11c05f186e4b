import { lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { isPrivateHost } from "../../domain/private-host.ts";

export interface SinkGuardSettings {
  /** Hosts that may be at private addresses, but not at loopback ones. */
  readonly namedHosts: readonly string[];
  /** Hosts that may be at loopback addresses too. */
  readonly allowPrivateHosts: readonly string[];
}

/** Refuses a connection before it is made. */
export class AddressRefusedError extends Error {
  override readonly name = "AddressRefusedError";
  readonly code = "ADDRESS_REFUSED";
}

/** Link-local ones, and where clouds keep the credentials of their machines: never, whoever asks. */
const never = new BlockList();
never.addSubnet("169.254.0.0", 16, "ipv4");
never.addSubnet("fe80::", 10, "ipv6");
never.addAddress("168.63.129.16", "ipv4"); // Azure
never.addAddress("100.100.100.200", "ipv4"); // Alibaba Cloud
never.addAddress("fd00:ec2::254", "ipv6"); // Amazon EC2

/** `0.0.0.0` and `::` lead to the machine itself too. */
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addSubnet("0.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");
loopback.addAddress("::", "ipv6");

/** Whether a sink at `host` (with its port, as in URLs) may be at this address. */
export function mayReach(host: string, address: string, settings: SinkGuardSettings): boolean {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (never.check(address, family)) return false;
  if (loopback.check(address, family)) return settings.allowPrivateHosts.includes(host);
  return settings.namedHosts.includes(host) || !isPrivateHost(family === "ipv6" ? `[${address}]` : address);
}

/** A look-up for connections to `host` that yields only addresses at which a sink may be. */
export function createGuardedLookup(
  host: string,
  settings: SinkGuardSettings,
  lookup: typeof systemLookup = systemLookup,
): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "");
      const allowed = found.filter(({ address }) => mayReach(host, address, settings));
      const [first] = allowed;
      if (first === undefined) return callback(refused(), "");
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** Throws for a URL whose host is an address that no sink may be at: such a host is never looked up. */
export function assertMayReach(url: URL, settings: SinkGuardSettings): void {
  const address = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(address) !== 0 && !mayReach(url.host, address, settings)) throw refused();
}

function refused(): AddressRefusedError {
  return new AddressRefusedError("a sink may not be at this address");
}
