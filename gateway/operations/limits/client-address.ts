import { BlockList, isIP } from "node:net";

/** Proxies with a trusted `X-Forwarded-For`: addresses and subnets, such as `10.0.0.0/8`. */
export interface TrustedProxies {
  includes(address: string): boolean;
}

/** Creates the list of proxies; `undefined` if an entry is neither an address nor a subnet. */
export function createTrustedProxies(entries: readonly string[]): TrustedProxies | undefined {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", prefix, ...rest] = entry.split("/");
    const bits = isIP(address) === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : Number(prefix);
    if (isIP(address) === 0 || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? "0") || length > bits) return undefined;
    list.addSubnet(address, length, family(address));
  }
  return { includes: (address) => isIP(address) !== 0 && list.check(address, family(address)) };
}

/**
 * Returns a request's client address: the connection's other end or, behind a trusted proxy, the last address in
 * `X-Forwarded-For`. Earlier addresses in the header count only behind further trusted proxies, because a client can
 * forge them.
 */
export function readClientAddress(
  connection: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  let address = unmapIpv4(connection ?? "");
  const forwarded = forwardedFor?.split(",") ?? [];
  while (forwarded.length > 0 && proxies.includes(address)) {
    const before = unmapIpv4(forwarded.pop()?.trim() ?? "");
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}

/**
 * Returns the client for rate limits: an address, or the /64 network of an IPv6 address, within which a client can
 * choose addresses freely.
 */
export function toClientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  // The URL parser writes the shortest form of an IPv6 address.
  const groups = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const [head = [], tail = []] = groups.map((part) => part.split(":").filter(Boolean));
  const zeros = groups.length > 1 ? Array<string>(8 - head.length - tail.length).fill("0") : [];
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(":")}::/64`;
}

/** Converts an IPv4-mapped IPv6 address to IPv4. */
function unmapIpv4(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
