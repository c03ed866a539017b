import fc from "fast-check";
import { expect, test } from "vitest";
import { createTrustedProxies, readClientAddress, toClientNetwork } from "./client-address.ts";

function trusting(...entries: readonly string[]) {
  const proxies = createTrustedProxies(entries);
  if (!proxies) throw new Error(`No proxies: ${entries.join(", ")}`);
  return proxies;
}

test("ignores X-Forwarded-For without trusted proxies", () => {
  expect(readClientAddress("203.0.113.9", "198.51.100.1", trusting())).toBe("203.0.113.9");
});

test.each([
  ["the last address, from a trusted proxy", "10.0.0.1", "192.0.2.1, 198.51.100.1", "198.51.100.1"],
  ["the last address that is not a trusted proxy's", "10.0.0.1", "192.0.2.1,198.51.100.1, 10.0.0.2", "198.51.100.1"],
  ["an IPv6 address", "10.0.0.1", "2001:db8::1", "2001:db8::1"],
  ["the connection's own, from an untrusted client", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["the proxy's, if the header is empty", "10.0.0.1", undefined, "10.0.0.1"],
  ["the proxy's, if the header has no address", "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
  ["the first proxy's, if every address is trusted", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
  ["the client's, behind an IPv4 proxy on an IPv6 socket", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
])("reads %s", (_what, connection, forwardedFor, address) => {
  expect(readClientAddress(connection, forwardedFor, trusting("10.0.0.0/8"))).toBe(address);
});

test("trusts single addresses and subnets of both families", () => {
  const proxies = trusting("192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1");
  expect(["192.0.2.7", "10.255.0.1", "2001:db8:1::1", "::1"].filter(proxies.includes)).toHaveLength(4);
  expect(["192.0.2.8", "11.0.0.1", "2001:db9::1", "::2", "", "a"].filter(proxies.includes)).toEqual([]);
});

test.each(["", "proxy.example.com", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::1/129", "10.0.0.0/-1", "10.0.0"])(
  "rejects %j, which is neither an address nor a subnet",
  (entry) => {
    expect(createTrustedProxies(["192.0.2.7", entry])).toBeUndefined();
  },
);

test.each([
  ["198.51.100.1", "198.51.100.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::6", "2001:db8:1:2::/64"],
  ["2001:db8::6", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["", ""],
])("counts %j as the client %j", (address, network) => {
  expect(toClientNetwork(address)).toBe(network);
});

test("counts the addresses of one IPv6 network as one client", () => {
  const half = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
  const text = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(":");
  fc.assert(
    fc.property(half, half, half, (network, one, other) => {
      const [first, second] = [one, other].map((host) => toClientNetwork(text([...network, ...host])));
      expect(first).toBe(second);
      expect(first).toBe(`${text(network)}::/64`);
    }),
  );
});
