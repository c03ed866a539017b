import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "./config-file.ts";
import type { Environment } from "./environment.ts";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

const TOKENS = {
  algorithm: "ES256",
  issuer: "https://login.acme.example",
  audience: "availability-bridge",
  jwksUrl: "https://login.acme.example/keys",
};
const ACME = { id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens: TOKENS };

function reference(name: string): string {
  return `\${${name}}`;
}

/** Problems of a file, without the rest of the message. */
function problemsOf(config: unknown, environment: Environment = {}): readonly string[] {
  const read = readConfig(typeof config === "string" ? config : JSON.stringify(config), environment);
  if ("problems" in read) return read.problems;
  throw new Error("The file was accepted");
}

test("gives a customer with few settings the defaults", () => {
  expect(readConfig(JSON.stringify({ customers: [ACME] }), {})).toEqual({
    origins: expect.any(Map),
    config: {
      customers: [
        {
          ...ACME,
          tokens: { ...TOKENS, leewaySeconds: 30, maxLifetimeSeconds: 86_400 },
          upstream: { kind: "memory" },
          limits: { requestsPerMinutePerSubject: 600, requestsPerMinute: 60_000, streams: 5000, streamsPerSubject: 20 },
        },
      ],
    },
  });
});

test("applies a customer's limits, and the defaults for the limits that are missing", () => {
  const read = readConfig(JSON.stringify({ customers: [{ ...ACME, limits: { streams: 7 } }] }), {});
  expect(read).toMatchObject({ config: { customers: [{ limits: { streams: 7, streamsPerSubject: 20 } }] } });
});

test("replaces references to the environment in every value", () => {
  const config = { customers: [{ ...ACME, id: reference("NAME"), allowedOrigins: [reference("PAGE")] }] };
  expect(readConfig(JSON.stringify(config), { NAME: "acme", PAGE: "https://crm.acme.example" })).toMatchObject({
    config: { customers: [ACME] },
  });
});

test("rejects a list of origins that is longer than the head of a response may be at a proxy", () => {
  const allowedOrigins = Array.from({ length: 324 }, (_, index) => `https://crm-${1000 + index}.customers.example.com`);
  expect(problemsOf({ customers: [{ ...ACME, allowedOrigins }] })).toEqual([
    "customers.0.allowedOrigins: too many origins: they have 12635 characters in all, but a proxy forwards a list of at most 12288: make several customers of this one",
  ]);
  const { customers } = readSettings({ ALLOWED_ORIGINS: allowedOrigins.slice(0, 300).join() });
  expect(customers[0]?.allowedOrigins).toHaveLength(300);
  expect(messageFor({ ALLOWED_ORIGINS: allowedOrigins.join() })).toContain("ALLOWED_ORIGINS: too many origins: ");
});

test("names every bad value with its path", () => {
  const config = {
    customers: [
      { ...ACME, id: "Acme", allowedOrigins: ["https://crm.acme.example/", "*"] },
      { ...ACME, id: "other", allowedOrigins: [] },
      { ...ACME, limits: { streams: 0, streamsPerSubject: 1.5, requestsPerMinute: "60" }, colour: "red" },
    ],
    defaultCustomer: 7,
    more: true,
  };
  expect(problemsOf(config)).toEqual([
    'customers.0.id: "Acme" is not a customer id (1 to 63 lower-case letters, digits and hyphens)',
    'customers.0.allowedOrigins.0: "https://crm.acme.example/" is not an exact origin (it ends with a slash: write https://crm.acme.example)',
    'customers.0.allowedOrigins.1: "*" is not an exact origin (it contains a *, but every origin must be written in full)',
    "customers.1.allowedOrigins: expected at least one exact origin, such as https://crm.example.com",
    "customers.2.limits.requestsPerMinute: expected a whole number, such as 600",
    "customers.2.limits.streams: expected a whole number from 1 to 1000000000",
    "customers.2.limits.streamsPerSubject: expected a whole number from 1 to 1000000000",
    "customers.2.colour: is not a setting of the gateway",
    "defaultCustomer: expected lower-case letters, digits and hyphens, such as acme",
    "more: is not a setting of the gateway",
  ]);
});

test.each([
  [
    { algorithm: "RS256", jwksUrl: "https://login.acme.example/keys", secret: "${ACME}" },
    "secret: belongs to HS256, and RS256 needs jwksUrl",
  ],
  [
    { algorithm: "HS256", secret: "${ACME}", jwksUrl: "https://login.acme.example/keys" },
    "jwksUrl: belongs to RS256, ES256, EdDSA, Ed25519, and HS256 needs secret",
  ],
  [{ ...TOKENS, audiance: "a" }, "audiance: is not a setting of the gateway; the nearest is audience"],
  [{ ...TOKENS, streams: 5 }, "streams: is not a setting of the gateway"],
])("says of a key that tokens do not have what is meant: %j", (tokens, problem) => {
  const config = { customers: [{ ...ACME, tokens: { issuer: "acme", audience: "gateway", ...tokens } }] };
  expect(problemsOf(config, { ACME: "x".repeat(32) })).toEqual([`customers.0.tokens.${problem}`]);
});

test.each(["$ACME_SECRET", "{file:/run/secrets/acme}"])("has one problem for the malformed reference %s", (secret) => {
  const tokens = { algorithm: "HS256", issuer: "acme", audience: "gateway", secret };
  expect(problemsOf({ customers: [{ ...ACME, tokens }] })).toEqual([
    expect.stringMatching(/^customers\.0\.tokens\.secret: secrets are not allowed in this file: write a reference/),
  ]);
});

test("rejects a customer without tokens", () => {
  expect(problemsOf({ customers: [{ id: "acme", allowedOrigins: ["https://crm.acme.example"] }] })).toEqual([
    "customers.0.tokens: is missing",
  ]);
});

test("rejects two customers with one id", () => {
  expect(problemsOf({ customers: [ACME, ACME] })).toEqual(["customers: expected ids that differ from one another"]);
});

test("rejects a default customer that does not exist", () => {
  expect(problemsOf({ customers: [ACME], defaultCustomer: "other" })).toEqual([
    "defaultCustomer: expected the id of one of the customers",
  ]);
});

test.each([
  [[], "customers: is missing"],
  [null, "the file: expected an object"],
  [{}, "customers: is missing"],
  ["{", "the file is not JSON: line 1, column 2: expected a name in double quotes"],
  ["", "the file is empty"],
  ["\n", "the file is empty"],
  ["\uFEFF{}", "the file begins with a byte order mark: save it as UTF-8 without one"],
  [{ customers: [] }, "customers: expected at least one customer"],
  [{ customers: {} }, "customers: expected a list of customers"],
])("rejects the file %j", (config, start) => {
  const [problem, ...more] = problemsOf(config);
  expect(problem).toMatch(new RegExp(`^${start}`));
  expect(more).toEqual([]);
});

test("does not quote a file that is not JSON, because the file may contain secrets", () => {
  expect(problemsOf('{ "secret": "hunter2" oops').join()).not.toContain("hunter2");
});

test.each(["secret", "apiId", "apiToken", "webhookToken"])(
  "rejects a literal %s in the file, without printing the value",
  (name) => {
    const problems = problemsOf({ customers: [{ ...ACME, upstream: { kind: "memory", [name]: "hunter2" } }] });
    expect(problems[0]).toMatch(
      new RegExp(
        `^customers\\.0\\.upstream\\.${name}: secrets are not allowed in this file: write a reference such as \\$\\{`,
      ),
    );
    expect(problems.join()).not.toContain("hunter2");
  },
);

test("names each variable that is missing from the environment, and no other problem", () => {
  const config = {
    customers: [{ ...ACME, upstream: { kind: reference("KIND") } }],
  };
  const [problem] = problemsOf(config);
  expect(problem).toBe("customers.0.upstream.kind: the environment has neither KIND nor KIND_FILE");
  expect(problemsOf(config, { KIND: "" })[0]).toBe(problem);
});

test("prints no value of the environment, even in a wrong place", () => {
  const misplaced = reference("ACME_SECRET");
  const config = {
    customers: [
      {
        id: misplaced,
        allowedOrigins: [misplaced],
        upstream: { kind: misplaced, secret: misplaced },
        limits: misplaced,
      },
      misplaced,
    ],
  };
  const problems = problemsOf(config, { ACME_SECRET: 'Hunter "2"' });
  expect(problems[0]).toBe(
    `customers.0.id: "${misplaced}" is not a customer id (1 to 63 lower-case letters, digits and hyphens)`,
  );
  expect(problems.join()).not.toContain("Hunter");
});

async function fileOf(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "config-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "gateway.config.json");
  await writeFile(path, text);
  return path;
}

test("reads the customers from the file in GATEWAY_CONFIG, with the first customer as the default", async () => {
  const path = await fileOf(JSON.stringify({ customers: [ACME, { ...ACME, id: "other" }] }));
  expect(readSettings({ GATEWAY_CONFIG: path })).toMatchObject({
    isDemo: false,
    defaultCustomer: "acme",
    customers: [{ id: "acme" }, { id: "other" }],
  });
});

test("names the file and the path of a bad value, beside the environment's own bad values", async () => {
  const path = await fileOf(JSON.stringify({ customers: [{ ...ACME, id: "" }] }));
  const lines = messageFor({ GATEWAY_CONFIG: path, GATEWAY_PORT: "x", ALLOWED_ORIGINS: "https://crm.example.com" });
  expect(lines.split("\n").map((line) => line.slice(0, line.indexOf(": ")))).toEqual([
    "GATEWAY_PORT",
    "ALLOWED_ORIGINS",
    path,
  ]);
});

test("reports a file that does not exist or cannot be read", async () => {
  expect(messageFor({ GATEWAY_CONFIG: "/nowhere/gateway.config.json" })).toBe(
    'GATEWAY_CONFIG: "/nowhere/gateway.config.json" names a file that does not exist',
  );
  expect(messageFor({ GATEWAY_CONFIG: tmpdir() })).toBe(`GATEWAY_CONFIG: ${JSON.stringify(tmpdir())} names a folder`);
});

test("reports a file without read permission", () => {
  const rejectRead = () => {
    throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
  };
  expect(() => readSettings({ GATEWAY_CONFIG: "a.json" }, rejectRead)).toThrow(
    'GATEWAY_CONFIG: "a.json" names a file that this process may not read',
  );
});
