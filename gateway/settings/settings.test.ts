import { expect, test } from "vitest";
import { UNLIMITED } from "./customer-settings.ts";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

test("has defaults for everything outside production", () => {
  expect(readSettings({})).toEqual({
    host: "127.0.0.1",
    port: 4100,
    customers: [
      {
        id: "demo",
        allowedOrigins: ["http://localhost:4000"],
        tokens: {
          algorithm: "HS256",
          issuer: "availability-bridge-demo",
          audience: "availability-bridge",
          secret: expect.stringMatching(/^[\w-]{43}$/),
          leewaySeconds: 30,
        },
        upstream: { kind: "memory" },
        limits: UNLIMITED,
      },
    ],
    defaultCustomer: "demo",
    isDemo: true,
    anonymousReads: true,
    redisUrl: undefined,
    staleLimitSeconds: 60,
    upstreamTimeoutMs: 10_000,
    operation: {
      adminPort: undefined,
      adminHost: "127.0.0.1",
      logLevel: "info",
      drainDelaySeconds: 0,
      trustedProxies: { includes: expect.any(Function) },
      maxConnections: 20_000,
    },
    warnings: [],
  });
});

test("reads the environment", () => {
  const settings = readSettings({
    GATEWAY_PORT: "0",
    GATEWAY_HOST: "::1",
    ALLOWED_ORIGINS: "https://crm.example.com , http://localhost:4000,https://crm.example.com",
    NODE_ENV: "production",
  });
  expect(settings).toMatchObject({
    host: "::1",
    port: 0,
    customers: [{ allowedOrigins: ["https://crm.example.com", "http://localhost:4000"] }],
  });
});

const JWT = {
  JWT_ALGORITHM: "HS256",
  JWT_ISSUER: "https://login.acme.example",
  JWT_AUDIENCE: "availability-bridge",
  JWT_SECRET: "x".repeat(32),
};

test("demands a token for every call when token settings exist", () => {
  expect(readSettings(JWT)).toMatchObject({
    customers: [
      {
        id: "demo",
        tokens: { algorithm: "HS256", secret: JWT.JWT_SECRET },
        limits: { requestsPerMinutePerToken: 600 },
      },
    ],
    anonymousReads: false,
  });
});

test("reads the upstream timeout", () => {
  expect(readSettings({ UPSTREAM_TIMEOUT_MS: "2500" }).upstreamTimeoutMs).toBe(2500);
});

test.each([
  ["99", "99 milliseconds are not between 100 and 60000"],
  ["60001", "60001 milliseconds are not between 100 and 60000"],
  ["1.5", '"1.5" is not a whole number of milliseconds'],
])("rejects the upstream timeout %s", (UPSTREAM_TIMEOUT_MS, why) => {
  expect(messageFor({ UPSTREAM_TIMEOUT_MS })).toBe(
    `UPSTREAM_TIMEOUT_MS: ${why}, for example UPSTREAM_TIMEOUT_MS=10000`,
  );
});

test("reports bad token settings together with the other bad settings", () => {
  expect(messageFor({ ...JWT, JWT_SECRET: "short", GATEWAY_PORT: "abc" })).toBe(
    `GATEWAY_PORT: "abc" ${PORT_LINE}\nJWT_SECRET: expected a text of at least 32 bytes`,
  );
});

test("treats an empty port and host as not set", () => {
  expect(readSettings({ GATEWAY_PORT: "", GATEWAY_HOST: "" })).toMatchObject({ host: "127.0.0.1", port: 4100 });
});

const PORT_LINE = "is not a port (a whole number from 0 to 65535), for example GATEWAY_PORT=4100";
const HOST_LINE = "is not a host name or IP address, for example GATEWAY_HOST=127.0.0.1";

test.each([
  ["GATEWAY_PORT", "abc", PORT_LINE],
  ["GATEWAY_PORT", "65536", PORT_LINE],
  ["GATEWAY_PORT", "-1", PORT_LINE],
  ["GATEWAY_PORT", "41.5", PORT_LINE],
  ["GATEWAY_PORT", "0x10", PORT_LINE],
  ["GATEWAY_PORT", " 4100", PORT_LINE],
  ["GATEWAY_HOST", "my host", HOST_LINE],
  ["GATEWAY_HOST", "http://127.0.0.1", HOST_LINE],
])("rejects %s=%j", (name, value, line) => {
  expect(messageFor({ [name]: value })).toBe(`${name}: ${JSON.stringify(value)} ${line}`);
});

test.each([
  ["", "is empty"],
  ["*", "contains a *, but every origin must be written in full"],
  ["https://*.example.com", "contains a *, but every origin must be written in full"],
  ["null", "is the origin of every sandboxed page"],
  ["crm.example.com", "does not start with https:// or http://"],
  ["file:///crm.html", "does not start with https:// or http://"],
  ["https://", "is not a URL"],
  ["https://crm.example.com/", "ends with a slash: write https://crm.example.com"],
  ["https://crm.example.com/app", "has a path or a query: write https://crm.example.com"],
  ["https://crm.example.com?a=1", "has a path or a query: write https://crm.example.com"],
  ["https://crm.example.com:443", "is not in the form that browsers use: write https://crm.example.com"],
  ["https://CRM.example.com", "is not in the form that browsers use: write https://crm.example.com"],
  ["https://agent@crm.example.com", "is not in the form that browsers use: write https://crm.example.com"],
  ["https://crm.example.com;script-src", "has a host that the frame-ancestors of a CSP cannot name"],
  ["http://[::1]:4000", "has a host that the frame-ancestors of a CSP cannot name"],
])("rejects %j as an allowed origin", (origin, why) => {
  expect(messageFor({ ALLOWED_ORIGINS: origin })).toBe(
    `ALLOWED_ORIGINS: ${JSON.stringify(origin)} is not an exact origin (it ${why}), ` +
      "for example ALLOWED_ORIGINS=https://crm.example.com,https://help.example.com",
  );
});

test("names the bad origins of a list in one line", () => {
  const message = messageFor({ ALLOWED_ORIGINS: "https://crm.example.com,*,null," });
  expect(message.split("\n")).toHaveLength(1);
  expect(message).toContain('"*" is not an exact origin');
  expect(message).toContain('"null" is not an exact origin');
  expect(message).toContain('"" is not an exact origin');
  expect(message).not.toContain('"https://crm.example.com"');
});

test("does not start in production without allowed origins", () => {
  expect(messageFor({ NODE_ENV: "production" })).toBe(
    "ALLOWED_ORIGINS: is not set, and with NODE_ENV=production it must be, " +
      "for example ALLOWED_ORIGINS=https://crm.example.com,https://help.example.com",
  );
});

test("reports every bad setting, one per line", () => {
  const environment = { GATEWAY_PORT: "abc\n", GATEWAY_HOST: "a b", NODE_ENV: "production" };
  const names = messageFor(environment)
    .split("\n")
    .map((line) => line.split(":")[0]);
  expect(names).toEqual(["GATEWAY_PORT", "GATEWAY_HOST", "ALLOWED_ORIGINS"]);
});
