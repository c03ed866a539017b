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
          maxLifetimeSeconds: 86_400,
        },
        upstream: { kind: "memory" },
        limits: UNLIMITED,
      },
    ],
    defaultCustomer: "demo",
    isDemo: true,
    anonymousReads: true,
    redis: undefined,
    staleLimitSeconds: 60,
    scriptMaxAgeSeconds: 300,
    upstreamTimeoutMs: 10_000,
    operation: {
      adminPort: undefined,
      adminHost: "127.0.0.1",
      logLevel: "info",
      labelledCustomers: undefined,
      exportsTraces: false,
      drainDelaySeconds: 0,
      trustedProxies: { includes: expect.any(Function) },
      maxConnections: 20_000,
      keepAliveSeconds: 65,
    },
    tls: undefined,
    egressProxies: undefined,
    warnings: [],
    variables: expect.objectContaining({
      GATEWAY_PORT: { text: "4100", origin: "default", isSecret: false, isReloadable: false },
    }),
    customerOrigins: new Map(),
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
        limits: { requestsPerMinutePerSubject: 600 },
      },
    ],
    anonymousReads: false,
  });
});

test.each([
  ["0", 0],
  ["86400", 86_400],
])("reads SCRIPT_MAX_AGE_SECONDS=%s", (text, seconds) => {
  expect(readSettings({ SCRIPT_MAX_AGE_SECONDS: text }).scriptMaxAgeSeconds).toBe(seconds);
});

test.each([
  ["5m", '"5m" is not a whole number of seconds'],
  ["-1", '"-1" is not a whole number of seconds'],
  ["86401", "86401 seconds are more than 86400, a day"],
])("rejects SCRIPT_MAX_AGE_SECONDS=%s", (text, problem) => {
  expect(messageFor({ SCRIPT_MAX_AGE_SECONDS: text })).toBe(
    `SCRIPT_MAX_AGE_SECONDS: ${problem}, for example SCRIPT_MAX_AGE_SECONDS=300`,
  );
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
  "chrome-extension://jkeeabcdefghijklmnopabcdefghijkl",
  "moz-extension://5f0c9a17-3a86-4d6e-9b0d-1c2d3e4f5a6b",
  "safari-web-extension://5F0C9A17-3A86-4D6E-9B0D-1C2D3E4F5A6B".toLowerCase(),
  "capacitor://localhost",
  "ionic://localhost",
  "tauri://localhost",
  "https://tauri.localhost",
  "https://localhost",
  "app://desk",
  "app://desk:8080",
])("accepts %s as an allowed origin: a scheme with a host, of an extension or an app", (origin) => {
  const { customers } = readSettings({ ALLOWED_ORIGINS: `https://crm.example.com,${origin}` });
  expect(customers[0]?.allowedOrigins).toEqual(["https://crm.example.com", origin]);
});

const NO_ORIGIN =
  "is the origin of no page that a list can name: pages of files, sandboxes, data: and blob: all have the origin null. " +
  "Give the page a scheme with a host of its own, such as app://desk";

test.each([
  ["", "is empty"],
  ["*", "contains a *, but every origin must be written in full"],
  ["https://*.example.com", "contains a *, but every origin must be written in full"],
  ["null", NO_ORIGIN],
  ["file:", NO_ORIGIN],
  ["file://", NO_ORIGIN],
  ["file:///crm.html", NO_ORIGIN],
  ["data:text/html", NO_ORIGIN],
  ["blob:https://crm.example.com/1", NO_ORIGIN],
  ["crm.example.com", "does not start with a scheme such as https://"],
  ["localhost:4000", "does not start with a scheme such as https://"],
  ["wss://crm.example.com", "does not start with a scheme of pages, such as https://"],
  ["app://desk/", "ends with a slash: write app://desk"],
  ["app://desk/index.html", "has a path or a query: write app://desk"],
  ["app://", "has no host after its scheme"],
  ["app:///index.html", "has no host after its scheme"],
  ["APP://Desk", "is not in the form that browsers use: write app://desk"],
  ["app://user@desk", "is not in the form that browsers use: write app://desk"],
  ["app://desk;script-src", "has a host that the frame-ancestors of a CSP cannot name"],
  ["app://a b", "is not a URL"],
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

test("names an empty GATEWAY_CONFIG in production, since its file may be meant", () => {
  expect(messageFor({ NODE_ENV: "production", GATEWAY_CONFIG: "" })).toBe(
    "ALLOWED_ORIGINS: is not set, and with NODE_ENV=production it must be without a customers' file: GATEWAY_CONFIG is empty, " +
      "for example ALLOWED_ORIGINS=https://crm.example.com,https://help.example.com",
  );
});

test("advises to remove ALLOWED_ORIGINS beside a customers' file", () => {
  expect(messageFor({ GATEWAY_CONFIG: "/nowhere.json", ALLOWED_ORIGINS: "https://crm.example.com" })).toContain(
    "ALLOWED_ORIGINS: is set beside GATEWAY_CONFIG, whose customers have origins of their own: remove it\n",
  );
});

test("reports every bad setting, one per line", () => {
  const environment = { GATEWAY_PORT: "abc\n", GATEWAY_HOST: "a b", NODE_ENV: "production" };
  const names = messageFor(environment)
    .split("\n")
    .map((line) => line.split(":")[0]);
  expect(names).toEqual(["GATEWAY_PORT", "GATEWAY_HOST", "ALLOWED_ORIGINS"]);
});
