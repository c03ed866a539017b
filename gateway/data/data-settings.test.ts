import { expect, test } from "vitest";
import { SettingsError } from "../settings/settings.ts";
import { readDataSettings } from "./data-settings.ts";

const REDIS = { REDIS_URL: "redis://127.0.0.1" };
const CONFIG = { ...REDIS, GATEWAY_CONFIG: "a.json" };
const ACME = { id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens: { secret: "${ACME_SECRET}" } };
const GLOBEX = { id: "${NAME}", upstream: { kind: "aircall", apiToken: "${file:/nowhere}" } };

test("needs no origins and no secrets of customers", () => {
  expect(readDataSettings({ ...REDIS, NODE_ENV: "production" }).customers).toMatchObject([{ id: "demo" }]);
  const file = JSON.stringify({ customers: [ACME, GLOBEX] });
  expect(readDataSettings({ ...CONFIG, NAME: "globex" }, () => file)).toMatchObject({
    redis: { addresses: ["redis://127.0.0.1"] },
    customers: [
      { id: "acme", upstream: { kind: "memory" } },
      { id: "globex", upstream: { kind: "aircall" } },
    ],
  });
});

test("reads the address of Redis from a file", () => {
  const read = () => readDataSettings({ REDIS_URL_FILE: "/redis" }, () => "redis://redis.example.com\n");
  expect(read().redis).toMatchObject({ addresses: ["redis://redis.example.com"] });
});

test.each([
  ["{", "a.json: the file is not JSON: line 1, column 2: expected a name in double quotes"],
  [JSON.stringify({ customers: {} }), "a.json: customers: expected a list of customers"],
  [JSON.stringify({ customers: [GLOBEX] }), "a.json: customers.0.id: the environment has neither NAME nor NAME_FILE"],
  [
    JSON.stringify({ customers: [{ id: "ACME" }] }),
    'a.json: customers.0.id: "ACME" is not a customer id (1 to 63 lower-case letters, digits and hyphens)',
  ],
])("rejects the file %s", (file, problem) => {
  const read = () => readDataSettings(CONFIG, () => file);
  expect(read).toThrow(SettingsError);
  expect(read).toThrow(problem);
});

test("names each problem of Redis and of the files, and no second one", () => {
  const rejectRead = () => {
    throw Object.assign(new Error(), { code: "ENOENT" });
  };
  const read = () => readDataSettings({ REDIS_URL_FILE: "/redis", GATEWAY_CONFIG: "/a.json" }, rejectRead);
  expect(read).toThrow(
    new SettingsError(
      'REDIS_URL_FILE: "/redis" names a file that does not exist\n' +
        'GATEWAY_CONFIG: "/a.json" names a file that does not exist',
    ),
  );
});
