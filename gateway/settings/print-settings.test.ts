import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { printSettings } from "./print-settings.ts";
import { readSettings, VARIABLES } from "./settings.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

/** Settings with a secret in each place that can have one. */
function printed() {
  const folder = mkdtempSync(join(tmpdir(), "print-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const customer = {
    id: "acme",
    allowedOrigins: ["https://crm.acme.example"],
    tokens: { algorithm: "HS256", issuer: "${ISSUER}", audience: "gateway", secret: ["${ACME}", "${file:next}"] },
    upstream: { kind: "aircall", apiId: "${ACME}", apiToken: "${ACME}", webhookToken: "${ACME}" },
    limits: { streams: 7 },
  };
  writeFileSync(join(folder, "gateway.config.json"), JSON.stringify({ customers: [customer] }));
  writeFileSync(join(folder, "next"), `${SECRET}\n`);
  const text = printSettings(
    readSettings({
      GATEWAY_CONFIG: join(folder, "gateway.config.json"),
      CREDENTIALS_DIRECTORY: folder,
      ACME_FILE: "next",
      ISSUER: "https://login.acme.example",
      REDIS_URL: "redis://user:hunter2@redis.example:6379/1",
      HTTPS_PROXY: "http://user:hunter2@proxy.example:3128",
      LOG_LEVEL: "warn",
    }),
  );
  return { folder, text, output: JSON.parse(text) };
}

test("prints each variable with its value and its origin", () => {
  const { output } = printed();
  const others = VARIABLES.filter(({ name }) => !/^(?:JWT_|DEMO_|ALLOWED_ORIGINS)/.test(name));
  expect(Object.keys(output.variables).sort()).toEqual(others.map(({ name }) => name).sort());
  expect(output.variables).toMatchObject({
    LOG_LEVEL: { value: "warn", origin: "environment" },
    GATEWAY_PORT: { value: "4100", origin: "default" },
    GATEWAY_ADMIN_PORT: { value: null, origin: "default" },
    REDIS_URL: { value: "redis://(secret)@redis.example:6379/1", origin: "environment" },
    HTTPS_PROXY: { value: "http://(secret)@proxy.example:3128", origin: "environment" },
  });
});

test("prints the origins and the tokens of the environment only without a customers' file, beside which they have no effect", () => {
  const { variables } = JSON.parse(printSettings(readSettings({})));
  expect(Object.keys(variables).sort()).toEqual(VARIABLES.map(({ name }) => name).sort());
  expect(printed().output.variables).not.toHaveProperty("ALLOWED_ORIGINS");
});

test("prints each customer with the defaults, and the origin of each value by its path", () => {
  const { folder, output } = printed();
  expect(output.customers).toMatchObject([
    { id: "acme", tokens: { leewaySeconds: 30, secret: ["(secret)", "(secret)"] }, limits: { streams: 7 } },
  ]);
  expect(output.origins).toMatchObject({
    "customers.0.id": "customers' file",
    "customers.0.tokens.issuer": "environment ISSUER",
    "customers.0.tokens.secret.0": `file ${join(folder, "next")}`,
    "customers.0.tokens.secret.1": `file ${join(folder, "next")}`,
    "customers.0.tokens.leewaySeconds": "default",
    "customers.0.limits.streams": "customers' file",
    "customers.0.upstream.baseUrl": "default",
  });
});

test("prints no secret", () => {
  const { text } = printed();
  expect(text).not.toContain(SECRET);
  expect(text).not.toContain("hunter2");
});
