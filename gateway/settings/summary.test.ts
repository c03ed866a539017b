import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { describeOrigins, summarizeSettings } from "./summary.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

/** Summary of a file whose customers have these keys. */
function summaryOf(keys: readonly object[], environment: Readonly<Record<string, string>> = {}): readonly string[] {
  const customers = keys.map((key, index) => ({
    id: `customer-${index}`,
    allowedOrigins: ["https://crm.acme.example"],
    tokens: { issuer: "acme", audience: "gateway", ...key },
  }));
  const given = { GATEWAY_CONFIG: "a.json", REDIS_URL: "redis://127.0.0.1", ONE: SECRET, TWO: SECRET.toUpperCase() };
  return summarizeSettings(readSettings({ ...given, ...environment }, () => JSON.stringify({ customers }))).split("\n");
}

test("says that settings without customers are those of a demo", () => {
  const first = "Settings are valid, but GATEWAY_CONFIG is not set: they are those of a demo with sample agents";
  expect(summarizeSettings(readSettings({})).split("\n")[0]).toBe(first);
  expect(summarizeSettings(readSettings({ GATEWAY_CONFIG: "" })).split("\n")[0]).toBe(first);
  expect(summaryOf([{ algorithm: "HS256", secret: "${ONE}" }])[0]).toBe("Settings are valid");
});

test("counts the secrets of each customer, and quotes none", () => {
  const summary = summaryOf([
    { algorithm: "HS256", secret: "${ONE}" },
    { algorithm: "HS256", secret: ["${ONE}", "${TWO}"] },
    { algorithm: "ES256", jwksUrl: "https://login.acme.example/keys" },
  ]);
  expect(summary.slice(-3)).toEqual([
    expect.stringContaining("; HS256 tokens of acme with 1 secret;"),
    expect.stringContaining("; HS256 tokens of acme with 2 secrets;"),
    expect.stringContaining("; ES256 tokens of acme with a key set;"),
  ]);
  expect(summary.join().toLowerCase()).not.toContain(SECRET);
});

test("has the proxies and the delay of a stop", () => {
  const key = { algorithm: "HS256", secret: "${ONE}" };
  expect(summaryOf([key])).toEqual(
    expect.arrayContaining(["trusted proxies: none", "stop: accepts no connections from 0 s after the signal"]),
  );
  expect(summaryOf([key], { TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8", DRAIN_DELAY_SECONDS: "5" })).toEqual(
    expect.arrayContaining([
      "trusted proxies: 127.0.0.1,10.0.0.0/8",
      "stop: accepts no connections from 5 s after the signal",
    ]),
  );
});

/** The origins of as many pages, in order. */
function originsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `https://crm-${index + 1}.example.com`);
}

test("has a line for each customer with the first three allowed origins and their number", () => {
  const customers = [1, 3, 5].map((count) => ({
    id: `customer-${count}`,
    allowedOrigins: originsOf(count),
    tokens: { algorithm: "HS256", issuer: "acme", audience: "gateway", secret: "${ONE}" },
  }));
  const environment = { GATEWAY_CONFIG: "a.json", REDIS_URL: "redis://127.0.0.1", ONE: SECRET };
  expect(describeOrigins(readSettings(environment, () => JSON.stringify({ customers })))).toEqual([
    "Customer customer-1: 1 allowed origin: https://crm-1.example.com",
    "Customer customer-3: 3 allowed origins: https://crm-1.example.com, https://crm-2.example.com, https://crm-3.example.com",
    "Customer customer-5: 5 allowed origins: https://crm-1.example.com, https://crm-2.example.com, https://crm-3.example.com and 2 more",
  ]);
});

test("names the variable of the allowed origins if there is no customers' file", () => {
  expect(describeOrigins(readSettings({ ALLOWED_ORIGINS: originsOf(2).join() }))).toEqual([
    "ALLOWED_ORIGINS: 2 allowed origins: https://crm-1.example.com, https://crm-2.example.com",
  ]);
});
