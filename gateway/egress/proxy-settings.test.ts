import * as v from "valibot";
import { expect, test } from "vitest";
import { CustomerSettings } from "../settings/customer-settings.ts";
import { readProxySettings, withUpperCaseProxies } from "./proxy-settings.ts";

const SHARED = { issuer: "acme", audience: "gateway" };
const SECRET_TOKENS = { algorithm: "HS256", ...SHARED, secret: "s".repeat(32) };
const KEY_SET_TOKENS = { algorithm: "ES256", ...SHARED, jwksUrl: "https://login.acme.example/keys" };
const AIRCALL = { kind: "aircall", apiId: "id", apiToken: "token" };

/** Reads the proxies of a gateway with one customer. */
function read(environment: Readonly<Record<string, string>>, parts: Readonly<Record<string, unknown>>) {
  const customer = { id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens: SECRET_TOKENS, ...parts };
  const problems: string[] = [];
  const proxies = readProxySettings(withUpperCaseProxies(environment), [v.parse(CustomerSettings, customer)], problems);
  return { proxies, problems };
}

test.each([
  ["a key set", { tokens: KEY_SET_TOKENS }],
  ["a telephony system", { upstream: AIRCALL }],
])("has the proxies of the environment for %s", (_what, parts) => {
  const environment = { HTTPS_PROXY: "http://proxy.example:3128", NO_PROXY: "localhost" };
  expect(read(environment, parts)).toEqual({
    proxies: { httpsProxy: "http://proxy.example:3128", httpProxy: undefined, noProxy: "localhost" },
    problems: [],
  });
});

test("prefers the lower-case names, as other programs do, and accepts an address without a scheme", () => {
  const environment = { HTTPS_PROXY: "http://upper.example", https_proxy: "lower.example:3128", http_proxy: "one:1" };
  expect(read(environment, { tokens: KEY_SET_TOKENS }).proxies).toEqual({
    httpsProxy: "http://lower.example:3128",
    httpProxy: "http://one:1",
    noProxy: "",
  });
});

test("has no proxy if there is none, and accepts any address while no customer needs a call", () => {
  expect(read({}, { tokens: KEY_SET_TOKENS })).toEqual({ proxies: undefined, problems: [] });
  expect(read({ HTTPS_PROXY: "socks5://proxy.example" }, {})).toEqual({ proxies: undefined, problems: [] });
  // A reload may bring a customer who needs calls.
  expect(read({ HTTPS_PROXY: "http://proxy.example" }, {}).proxies).toMatchObject({
    httpsProxy: "http://proxy.example",
  });
});

test("rejects the address of another proxy, without its password", () => {
  const { problems } = read({ HTTPS_PROXY: "socks4://user:hunter2@proxy.example" }, { tokens: KEY_SET_TOKENS });
  expect(problems).toEqual([
    "HTTPS_PROXY: expected the address of an HTTP proxy, for example HTTPS_PROXY=http://proxy.example:3128",
  ]);
});
