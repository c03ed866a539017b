import { expect, test } from "vitest";
import { allowsOrigin, readFrameAncestors } from "./frame-ancestors.ts";

test("reads the sources of each policy, and none of a policy without the directive", () => {
  expect(readFrameAncestors(null)).toEqual([]);
  expect(readFrameAncestors("default-src 'none'; script-src 'self'")).toEqual([]);
  expect(readFrameAncestors("default-src 'none'; Frame-Ancestors https://a.example  https://b.example")).toEqual([
    ["https://a.example", "https://b.example"],
  ]);
  expect(readFrameAncestors("frame-ancestors 'none', frame-ancestors https://a.example")).toEqual([
    ["'none'"],
    ["https://a.example"],
  ]);
});

const OWN = "https://widget.example.com";

test.each([
  ["https://crm.example.com", "https://crm.example.com"],
  ["https://crm.example.com/", "https://crm.example.com"],
  ["http://crm.example.com", "https://crm.example.com"],
  ["https://crm.example.com:*", "https://crm.example.com:8443"],
  ["https://*.example.com", "https://a.crm.example.com"],
  ["crm.example.com", "https://crm.example.com"],
  ["http://localhost:4000", "http://localhost:4000"],
  ["https:", "https://crm.example.com"],
  ["*", "http://crm.example.com"],
  ["'self'", OWN],
])("the source %s allows %s", (source, origin) => {
  expect(allowsOrigin(source, origin, OWN)).toBe(true);
});

test.each([
  ["'none'", "https://crm.example.com"],
  ["'self'", "https://crm.example.com"],
  ["https://crm.example.com", "http://crm.example.com"],
  ["https://crm.example.com", "https://crm.example.com:8443"],
  ["https://crm.example.com", "https://crm.example.com.evil.example"],
  ["https://*.example.com", "https://example.com"],
  ["https://*.example.com", "https://evilexample.com"],
  ["crm.example.com", "http://crm.example.com"],
  ["https:", "http://crm.example.com"],
  ["*", "null"],
  ["https://crm.example.com", "null"],
])("the source %s does not allow %s", (source, origin) => {
  expect(allowsOrigin(source, origin, OWN)).toBe(false);
});
