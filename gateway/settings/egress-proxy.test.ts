import { expect, test } from "vitest";
import type { CustomerSettings } from "./customer-settings.ts";
import { describeIgnoredProxy } from "./egress-proxy.ts";
import { readSettings } from "./settings.ts";

const SECRET_TOKENS = {
  JWT_ALGORITHM: "HS256",
  JWT_ISSUER: "https://login.acme.example",
  JWT_AUDIENCE: "availability-bridge",
  JWT_SECRET: "s".repeat(32),
};
const { JWT_SECRET: _secret, ...SHARED } = SECRET_TOKENS;
const KEY_SET_TOKENS = { ...SHARED, JWT_ALGORITHM: "ES256", JWT_JWKS_URL: "https://login.acme.example/keys" };
const PROXY = { HTTPS_PROXY: "http://user:s3cret@proxy.acme.example:3128" };

function customersOf(environment: Readonly<Record<string, string>>): readonly CustomerSettings[] {
  return readSettings(environment).customers;
}

test("warns of HTTPS_PROXY, which Node ignores as it comes, without the address", () => {
  const { warnings } = readSettings({ ...KEY_SET_TOKENS, ...PROXY });
  expect(warnings).toEqual([
    "HTTPS_PROXY: has no effect on calls for key sets and to telephony systems. Set NODE_USE_ENV_PROXY=1, " +
      `with Node 24 or newer, or 22.21 or newer of Node 22; this is Node ${process.versions.node}`,
  ]);
});

test.each([
  ["20.20.2", { NODE_USE_ENV_PROXY: "1" }, [], 1],
  ["22.20.0", { NODE_USE_ENV_PROXY: "1" }, [], 1],
  ["22.21.0", { NODE_USE_ENV_PROXY: "1" }, [], 0],
  ["23.11.0", { NODE_USE_ENV_PROXY: "1" }, [], 1],
  ["24.21.0", {}, [], 1],
  ["24.21.0", { NODE_USE_ENV_PROXY: "0" }, [], 1],
  ["24.21.0", { NODE_USE_ENV_PROXY: "1" }, [], 0],
  ["24.21.0", { NODE_OPTIONS: "--enable-source-maps --use-env-proxy" }, [], 0],
  ["24.21.0", {}, ["--use-env-proxy"], 0],
])("with Node %s, %j and the options %j gives %d warnings", (version, environment, options, count) => {
  const warnings = describeIgnoredProxy({ ...PROXY, ...environment }, customersOf(KEY_SET_TOKENS), {
    version,
    options,
  });
  expect(warnings).toHaveLength(count);
});

test("does not warn if the gateway calls nobody, or no proxy is set", () => {
  const node = { version: "20.20.2", options: [] };
  expect(describeIgnoredProxy(PROXY, customersOf(SECRET_TOKENS), node)).toEqual([]);
  expect(describeIgnoredProxy({ HTTPS_PROXY: "" }, customersOf(KEY_SET_TOKENS), node)).toEqual([]);
});
