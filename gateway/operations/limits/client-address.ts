import { BlockList, isIP } from "node:net";

/** Proxies whose word is taken for where a request comes from: addresses and subnets, as in `10.0.0.0/8`. */
export interface TrustedProxies {
  includes(address: string): boolean;
}

/** These addresses and subnets; `undefined` where one of them is neither. */
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
 * Where a request comes from: the connection's other end, or, as long as that is a trusted proxy, whom it names last in
 * `X-Forwarded-For`. What stands further left in that header anybody may have written.
 */
export function readClientAddress(
  connection: string | undefined,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  let address = plain(connection ?? "");
  const named = forwardedFor?.split(",") ?? [];
  while (named.length > 0 && proxies.includes(address)) {
    const before = plain(named.pop()?.trim() ?? "");
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}

/**
 * Who is counted as one client: an address, or the network of an IPv6 address, which has as many addresses as it likes
 * within its first 64 bits.
 */
export function toClientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  // The URL parser writes an IPv6 address in its one shortest form.
  const groups = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1).split("::");
  const [head = [], tail = []] = groups.map((part) => part.split(":").filter(Boolean));
  const zeros = groups.length > 1 ? Array<string>(8 - head.length - tail.length).fill("0") : [];
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(":")}::/64`;
}

/** An IPv4 address that an IPv6 socket has accepted, as IPv4 writes it. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function family(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
