import fc from "fast-check";
import { expect, test } from "vitest";
import { getRefreshTime } from "./token-claims.ts";

const NOW = 1_800_000_000_000;

/** A JWT with the given claims. No test reads the signature. */
function jwt(claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

const endingIn = (seconds: number): string => jwt({ exp: NOW / 1_000 + seconds });

test("renews a token 30 s before it ends", () => {
  expect(getRefreshTime(endingIn(900), NOW)).toBe(NOW + 870_000);
  expect(getRefreshTime(endingIn(60), NOW)).toBe(NOW + 30_000);
});

test("renews a token that lives for less than a minute at half its life", () => {
  expect(getRefreshTime(endingIn(10), NOW)).toBe(NOW + 5_000);
});

test("reads claims that hold more than Latin letters", () => {
  const claims = { name: "Zoë ÿ 中文 👋 ~~~???", exp: NOW / 1_000 + 900 };
  expect(getRefreshTime(jwt(claims), NOW)).toBe(NOW + 870_000);
});

test.each([
  ["is no JWT", "opaque-token"],
  ["has three parts that are no base64", "a.%.c"],
  ["has claims that are no JSON", "a.YWJj.c"],
  ["has claims that are no object", jwt(null)],
  ["has no end", jwt({})],
  ["has an end that is no number", jwt({ exp: "soon" })],
  ["has ended by this machine's clock", endingIn(-1)],
  ["ends now", endingIn(0)],
])("keeps a token that %s until the backend refuses it", (_name, token) => {
  expect(getRefreshTime(token, NOW)).toBe(Infinity);
});

test("finds a time after now for any text whatever", () => {
  fc.assert(fc.property(fc.string(), (text) => getRefreshTime(text, NOW) > NOW));
  fc.assert(fc.property(fc.double({ noNaN: true }), (exp) => getRefreshTime(jwt({ exp }), NOW) > NOW));
});
