import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

function warningsFor(environment: Readonly<Record<string, string>>): readonly string[] {
  return readSettings(environment).warnings;
}

test.each([
  ["GATEWAY_PROT", "GATEWAY_PORT"],
  ["GATEWAY_ADMINPORT", "GATEWAY_ADMIN_PORT"],
  ["UPSTREAM_TIMEOUT", "UPSTREAM_TIMEOUT_MS"],
  ["REDIS_URI", "REDIS_URL"],
  ["ALLOWED_ORIGIN", "ALLOWED_ORIGINS"],
  ["TRUSTED_PROXY", "TRUSTED_PROXIES"],
  ["DRAIN_DELAY", "DRAIN_DELAY_SECONDS"],
  ["STALE_LIMIT", "STALE_LIMIT_SECONDS"],
  ["KEEP_ALIVE", "KEEP_ALIVE_SECONDS"],
  ["REDIS_HOST", "REDIS_URL"],
  ["REDIS_PASSWORD", "REDIS_URL"],
  ["PORT", "GATEWAY_PORT"],
  ["LOG_LEVL", "LOG_LEVEL"],
  ["MAX_CONECTIONS", "MAX_CONNECTIONS"],
])("warns that %s has no effect, and names %s", (name, nearest) => {
  const warning = `${name}: has no effect, since the gateway has no such setting; the nearest is ${nearest}`;
  expect(warningsFor({ [name]: "s3cret" })).toEqual([warning]);
});

test("names a misspelt variable beside the bad values, of which it may be the cause", () => {
  const environment = { JWT_ALGORITHM: "HS256", JWT_ISSUER: "a", JWT_AUDIENCE: "b", JWT_SECRE: "x".repeat(32) };
  expect(messageFor(environment).split("\n")).toEqual([
    "JWT_SECRET: is not set, and with JWT_ALGORITHM=HS256 it must be",
    "JWT_SECRE: has no effect, since the gateway has no such setting; the nearest is JWT_SECRET",
  ]);
});

test("ignores the variables of Kubernetes services and of other programs", () => {
  expect(
    warningsFor({
      GATEWAY_SERVICE_HOST: "10.0.0.1",
      GATEWAY_SERVICE_PORT: "4100",
      GATEWAY_SERVICE_PORT_HTTP: "4100",
      GATEWAY_PORT_4100_TCP: "tcp://10.0.0.1:4100",
      GATEWAY_PORT_4100_TCP_PROTO: "tcp",
      GATEWAY_PORT_4100_TCP_PORT: "4100",
      GATEWAY_PORT_4100_TCP_ADDR: "10.0.0.1",
      GATEWAY_WEB_PORT: "tcp://10.0.0.2:80",
      REDIS_PORT: "tcp://10.0.0.3:6379",
      REDIS_PORT_6379_TCP_ADDR: "10.0.0.3",
      REDIS_TLS_URL: "rediss://redis",
      REDIS_VERSION: "7.2.4",
      GATEWAY_PORT: "4100",
      PORT: "8080",
      NODE_VERSION: "24.1.0",
      NO_COLOR: "1",
      LOG_FILE: "a.log",
      NODE_OPTIONS: "",
      PATH: "/bin",
      GATEWAY_EMPTY: "",
    }),
  ).toEqual([]);
});

test("names the Kubernetes service link as the cause of a bad port", () => {
  expect(messageFor({ GATEWAY_PORT: "tcp://10.0.0.1:4100" })).toBe(
    'GATEWAY_PORT: "tcp://10.0.0.1:4100" is the address of a Kubernetes service (set enableServiceLinks: false in the pod), for example GATEWAY_PORT=4100',
  );
});

test("ignores a variable that the customers' file references", () => {
  const tokens = { algorithm: "HS256", issuer: "acme", audience: "gateway", secret: `\${JWT_SECRET_OF_ACME}` };
  const file = JSON.stringify({ customers: [{ id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens }] });
  const environment = { GATEWAY_CONFIG: "a.json", JWT_SECRET_OF_ACME: "x".repeat(32) };
  const withRedis = { ...environment, REDIS_URL: "redis://127.0.0.1" };
  expect(readSettings(withRedis, () => file).warnings).toEqual([]);
});
