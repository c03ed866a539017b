import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

/** Warnings about a customer with these secrets, each from a file of this name with this content. */
function warningsFor(names: readonly string[], contents: Readonly<Record<string, string>>): readonly string[] {
  const tokens = {
    algorithm: "HS256",
    issuer: "acme",
    audience: "gateway",
    secret: names.map((name) => `\${file:/${name}}`),
  };
  const customers = [{ id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens }];
  const environment = { GATEWAY_CONFIG: "/gateway.config.json", REDIS_URL: "redis://127.0.0.1" };
  return readSettings(environment, (path) => contents[path.slice(1)] ?? JSON.stringify({ customers })).warnings;
}

test.each([
  ["one file", ["first", "first"], { first: SECRET }],
  ["two files with one content", ["first", "second"], { first: SECRET, second: `${SECRET}\n` }],
])("warns of the same secret twice from %s, and quotes no secret", (_what, names, contents) => {
  expect(warningsFor(names, contents)).toEqual([
    "Customer acme: tokens.secret.1 is the same secret as tokens.secret.0: one is enough",
  ]);
});

test("warns of no secrets that differ", () => {
  expect(warningsFor(["first", "second"], { first: SECRET, second: SECRET.toUpperCase() })).toEqual([]);
});
