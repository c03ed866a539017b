import { expect, test } from "vitest";
import { readSettings } from "../settings/settings.ts";

test("reads the settings of the operation", () => {
  const { operation } = readSettings({
    GATEWAY_ADMIN_PORT: "9100",
    GATEWAY_ADMIN_HOST: "::1",
    LOG_LEVEL: "warn",
    DRAIN_DELAY_SECONDS: "5",
    TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8",
    MAX_CONNECTIONS: "500",
    KEEP_ALIVE_SECONDS: "620",
  });
  expect(operation).toMatchObject({
    adminPort: 9100,
    adminHost: "::1",
    logLevel: "warn",
    drainDelaySeconds: 5,
    maxConnections: 500,
    keepAliveSeconds: 620,
  });
  expect(["127.0.0.1", "10.1.2.3", "192.0.2.1"].filter(operation.trustedProxies.includes)).toEqual([
    "127.0.0.1",
    "10.1.2.3",
  ]);
});

test("trusts no proxy by default", () => {
  expect(readSettings({}).operation.trustedProxies.includes("127.0.0.1")).toBe(false);
});

test.each([
  [undefined, undefined],
  ["true", undefined],
  ["false", new Set()],
  ["acme", new Set(["acme"])],
  ["acme, globex", new Set(["acme", "globex"])],
])("reads which customers the metrics name: METRICS_CUSTOMER_LABEL=%s", (value, labelled) => {
  expect(readSettings({ METRICS_CUSTOMER_LABEL: value }).operation.labelledCustomers).toEqual(labelled);
});

test.each([
  [
    "METRICS_CUSTOMER_LABEL",
    "acme;globex",
    'expected true, false or ids of customers with commas between them, got "acme;globex", for example METRICS_CUSTOMER_LABEL=false',
  ],
  [
    "GATEWAY_ADMIN_PORT",
    "x",
    '"x" is not a port (a whole number from 0 to 65535), for example GATEWAY_ADMIN_PORT=9100',
  ],
  ["GATEWAY_ADMIN_HOST", "a b", '"a b" is not a host name or IP address, for example GATEWAY_ADMIN_HOST=127.0.0.1'],
  ["LOG_LEVEL", "loud", '"loud" is not one of debug, info, warn, error, silent, for example LOG_LEVEL=info'],
  ["DRAIN_DELAY_SECONDS", "1.5", '"1.5" is not a whole number of seconds, for example DRAIN_DELAY_SECONDS=5'],
  ["DRAIN_DELAY_SECONDS", "301", "301 seconds are more than 300, for example DRAIN_DELAY_SECONDS=5"],
  [
    "TRUSTED_PROXIES",
    "10.0.0.1,proxy,*",
    '"proxy", "*" is not an IP address or subnet, for example TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8',
  ],
  ["KEEP_ALIVE_SECONDS", "0", "0 seconds are not between 1 and 3600, for example KEEP_ALIVE_SECONDS=620"],
  ["KEEP_ALIVE_SECONDS", "10m", '"10m" is not a whole number of seconds, for example KEEP_ALIVE_SECONDS=620'],
  ["MAX_CONNECTIONS", "0", '"0" is not a whole number from 1 to 9999999, for example MAX_CONNECTIONS=20000'],
])("rejects %s=%j", (name, value, line) => {
  expect(() => readSettings({ [name]: value })).toThrow(`${name}: ${line}`);
});
