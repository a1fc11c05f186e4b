import { isIP, type LookupFunction } from "node:net";
import { type AddressKind, kindOfAddress } from "../ip-address.ts";
import { ConnectFailure, foreignScheme, isOfTheWeb } from "./connect-failure.ts";
import { isDataHostOf } from "./data-hosts.ts";
import { registryAt } from "./docker-hub.ts";

/** What the operator has said about hosts. All are asked with `host[:port]`, in lower case, without the scheme's own port. */
export interface NetworkPolicy {
  /** May be reached over plain http. */
  readonly mayBePlain: (host: string) => boolean;
  /** May be at addresses of RFC 1918, RFC 6598 (CGNAT) and ULA. */
  readonly mayBePrivate: (host: string) => boolean;
  /** May be at loopback addresses as well. */
  readonly mayBeLoopback: (host: string) => boolean;
}

export interface NetworkSettings {
  /** Hosts that the operator names exactly. */
  readonly namedHosts: readonly string[];
  /** Those of them that may be on this very machine. */
  readonly allowPrivateHosts: readonly string[];
  readonly isInsecure: (host: string) => boolean;
}

/** What the settings allow: hosts that are known from a request, a redirect or a wildcard alone are public only. */
export function createNetworkPolicy({ namedHosts, allowPrivateHosts, isInsecure }: NetworkSettings): NetworkPolicy {
  const named = new Set([...namedHosts, ...allowPrivateHosts]);
  const local = new Set(allowPrivateHosts);
  return {
    mayBePlain: isInsecure,
    mayBePrivate: (host) => named.has(host) || isDataHostOf(host, namedHosts),
    mayBeLoopback: (host) => local.has(host),
  };
}

/**
 * Why a URL may not be connected to, as far as its text tells: scheme, TLS, a literal address. Names are looked at only
 * where somebody else will look them up (`byName`: through a proxy). Addresses of names: {@link createGuardedLookup}.
 */
export function refusalOfUrl(
  url: URL,
  policy: NetworkPolicy,
  { byName }: { readonly byName: boolean },
): ConnectFailure | undefined {
  if (!isOfTheWeb(url)) return new ConnectFailure(foreignScheme);
  if (url.protocol === "http:" && !namesOf(url).some(policy.mayBePlain)) {
    const hint = `the operator can name ${url.host} in INSECURE_HOSTS`;
    return new ConnectFailure({ code: "HOST_NOT_ALLOWED", what: "it would be reached without TLS", hint });
  }
  const name = bareName(url);
  const kind = isIP(name) === 0 ? (byName ? kindOfName(name) : undefined) : (kindOfAddress(name) ?? "reserved");
  return kind === undefined || isPermitted(kind, url, policy) ? undefined : refusal(kind, url);
}

export interface GuardedLookupDeps {
  readonly policy: NetworkPolicy;
  /** `lookup` of node:dns. */
  readonly lookup: LookupFunction;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

/**
 * A `lookup` for connections to one URL. It hands on only the addresses that may be connected to, and those are the
 * ones which are: a name that changes between check and connection gains nothing.
 */
export function createGuardedLookup(url: URL, { policy, lookup, log }: GuardedLookupDeps): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error) return callback(error, []);
      const addresses = typeof found === "string" ? [{ address: found, family: family ?? isIP(found) }] : found;
      const permitted = addresses.filter(({ address }) => isPermitted(kindOf(address), url, policy));
      const [first] = permitted;
      if (first === undefined) {
        const [refused = { address: "none" }] = addresses;
        const kind = kindOf(refused.address);
        // Who asked for the import is told the kind; what a name of the network stands for is the operator's business.
        log("network.refused", { host: url.host, address: refused.address, kind });
        return callback(refusal(kind, url), []);
      }
      return options.all === true ? callback(null, permitted) : callback(null, first.address, first.family);
    });
  };
}

/** Names under which clouds offer the metadata of a machine to itself. */
const metadataNames: readonly string[] = ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"];

function kindOfName(name: string): AddressKind | undefined {
  const plain = name.replace(/\.$/, "");
  if (plain === "localhost" || plain.endsWith(".localhost")) return "loopback";
  return metadataNames.includes(plain) ? "metadata" : undefined;
}

function kindOf(address: string): AddressKind {
  return kindOfAddress(address) ?? "reserved";
}

function isPermitted(kind: AddressKind, url: URL, { mayBePrivate, mayBeLoopback }: NetworkPolicy): boolean {
  if (kind === "public") return true;
  if (kind === "private") return namesOf(url).some((name) => mayBePrivate(name) || mayBeLoopback(name));
  return kind === "loopback" && namesOf(url).some(mayBeLoopback);
}

function refusal(kind: AddressKind, url: URL): ConnectFailure {
  const what = `it leads to ${places[kind]}`;
  return new ConnectFailure({ code: "HOST_NOT_ALLOWED", what, hint: hintFor(kind, url.host) });
}

const places: Readonly<Record<AddressKind, string>> = {
  public: "a public address",
  private: "a private address",
  loopback: "a loopback address",
  metadata: "the metadata service of a cloud",
  "link-local": "a link-local address",
  unspecified: "an unspecified address",
  multicast: "a multicast address",
  documentation: "an address that exists in documents only",
  reserved: "a reserved address",
};

function hintFor(kind: AddressKind, host: string): string {
  if (kind === "private") return `the operator can name ${host} in ALLOW_PRIVATE_HOSTS or REGISTRIES`;
  if (kind === "loopback") return `the operator can name ${host} in ALLOW_PRIVATE_HOSTS`;
  return "no setting allows such addresses";
}

/** How settings may write the host: the port of the scheme can be left out, and Docker Hub's API is that of docker.io. */
export function namesOf({ host, port, hostname, protocol }: URL): readonly string[] {
  const names = port === "" ? [host, `${hostname}:${protocol === "http:" ? 80 : 443}`] : [host];
  return [...new Set([...names, registryAt(host)])];
}

/** Without the brackets of an IPv6 address. */
function bareName({ hostname }: URL): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
