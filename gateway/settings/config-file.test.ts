import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Environment, readConfig } from "./config-file.ts";
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

/** What is wrong with a file, each complaint without the rest. */
function problemsOf(config: unknown, environment: Environment = {}): readonly string[] {
  const read = readConfig(typeof config === "string" ? config : JSON.stringify(config), environment);
  if ("problems" in read) return read.problems;
  throw new Error("This file was taken");
}

test("gives a customer of whom little is said the defaults", () => {
  expect(readConfig(JSON.stringify({ customers: [ACME] }), {})).toEqual({
    config: {
      customers: [
        {
          ...ACME,
          tokens: { ...TOKENS, leewaySeconds: 30 },
          upstream: { kind: "memory" },
          limits: { requestsPerMinutePerToken: 600, requestsPerMinute: 60_000, streams: 5000, streamsPerToken: 20 },
        },
      ],
    },
  });
});

test("takes limits for a customer, and leaves those alone that are not named", () => {
  const read = readConfig(JSON.stringify({ customers: [{ ...ACME, limits: { streams: 7 } }] }), {});
  expect(read).toMatchObject({ config: { customers: [{ limits: { streams: 7, streamsPerToken: 20 } }] } });
});

test("replaces references to the environment, wherever they stand", () => {
  const config = { customers: [{ ...ACME, id: reference("NAME"), allowedOrigins: [reference("PAGE")] }] };
  expect(readConfig(JSON.stringify(config), { NAME: "acme", PAGE: "https://crm.acme.example" })).toMatchObject({
    config: { customers: [ACME] },
  });
});

test("names every bad value at once, each with its place", () => {
  const config = {
    customers: [
      { ...ACME, id: "Acme", allowedOrigins: ["https://crm.acme.example/", "*"] },
      { ...ACME, id: "other", allowedOrigins: [] },
      { ...ACME, limits: { streams: 0, streamsPerToken: 1.5, requestsPerMinute: "60" }, colour: "red" },
    ],
    defaultCustomer: 7,
    more: true,
  };
  expect(problemsOf(config)).toEqual([
    'customers.0.id: "Acme" is no customer\'s id (1 to 63 lower-case letters, digits and hyphens)',
    'customers.0.allowedOrigins.0: "https://crm.acme.example/" is no exact origin (it ends with a slash: write https://crm.acme.example)',
    'customers.0.allowedOrigins.1: "*" is no exact origin (it holds a *, and every origin must be named in full)',
    "customers.1.allowedOrigins: expected at least one exact origin, such as https://crm.example.com",
    "customers.2.limits.requestsPerMinute: expected a whole number, such as 600",
    "customers.2.limits.streams: expected a whole number from 1 to 1000000000",
    "customers.2.limits.streamsPerToken: expected a whole number from 1 to 1000000000",
    "customers.2.colour: is no setting that the gateway knows",
    "defaultCustomer: expected lower-case letters, digits and hyphens, such as acme",
    "more: is no setting that the gateway knows",
  ]);
});

test("complains of a customer without tokens", () => {
  expect(problemsOf({ customers: [{ id: "acme", allowedOrigins: ["https://crm.acme.example"] }] })).toEqual([
    "customers.0.tokens: is missing",
  ]);
});

test("refuses two customers of one id", () => {
  expect(problemsOf({ customers: [ACME, ACME] })).toEqual(["customers: expected ids that differ from one another"]);
});

test("refuses a default customer who is none", () => {
  expect(problemsOf({ customers: [ACME], defaultCustomer: "other" })).toEqual([
    "defaultCustomer: expected the id of one of the customers",
  ]);
});

test.each([
  [[], "customers: is missing"],
  [null, "the file: expected an object"],
  [{}, "customers: is missing"],
  ["{", "the file is not JSON: line 1, column 2: expected a name in double quotes"],
  ["", "the file is not JSON: line 1, column 1: expected a value"],
  [{ customers: [] }, "customers: expected at least one customer"],
  [{ customers: {} }, "customers: expected a list of customers"],
])("refuses the file %j", (config, start) => {
  const [problem, ...more] = problemsOf(config);
  expect(problem).toMatch(new RegExp(`^${start}`));
  expect(more).toEqual([]);
});

test("does not quote a file that is not JSON, since it may hold what is secret", () => {
  expect(problemsOf('{ "secret": "hunter2" oops').join()).not.toContain("hunter2");
});

test.each(["secret", "apiId", "apiToken", "webhookToken"])(
  "refuses a %s that stands in the file, without printing it",
  (name) => {
    const problems = problemsOf({ customers: [{ ...ACME, upstream: { kind: "memory", [name]: "hunter2" } }] });
    expect(problems[0]).toMatch(
      new RegExp(
        `^customers\\.0\\.upstream\\.${name}: a secret does not stand in this file: write a reference such as \\$\\{`,
      ),
    );
    expect(problems.join()).not.toContain("hunter2");
  },
);

test("names each variable that the environment does not have, and complains of nothing else there", () => {
  const config = {
    customers: [{ ...ACME, upstream: { kind: reference("KIND") } }],
  };
  const [problem] = problemsOf(config);
  expect(problem).toBe("customers.0.upstream.kind: the environment has no KIND");
  expect(problemsOf(config, { KIND: "" })[0]).toBe("customers.0.upstream.kind: the environment has no KIND");
});

test("prints nothing of what the environment holds, wherever it is misplaced", () => {
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
    `customers.0.id: "${misplaced}" is no customer's id (1 to 63 lower-case letters, digits and hyphens)`,
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

test("reads the customers from the file that the environment names, the first of them for addresses that name none", async () => {
  const path = await fileOf(JSON.stringify({ customers: [ACME, { ...ACME, id: "other" }] }));
  expect(readSettings({ GATEWAY_CONFIG: path })).toMatchObject({
    isDemo: false,
    defaultCustomer: "acme",
    customers: [{ id: "acme" }, { id: "other" }],
  });
});

test("says where in which file a bad value stands, beside the environment's own bad values", async () => {
  const path = await fileOf(JSON.stringify({ customers: [{ ...ACME, id: "" }] }));
  const lines = messageFor({ GATEWAY_CONFIG: path, GATEWAY_PORT: "x", ALLOWED_ORIGINS: "https://crm.example.com" });
  expect(lines.split("\n").map((line) => line.slice(0, line.indexOf(": ")))).toEqual([
    "GATEWAY_PORT",
    "ALLOWED_ORIGINS",
    path,
  ]);
});

test("says that it cannot read a file", async () => {
  expect(messageFor({ GATEWAY_CONFIG: "/nowhere/gateway.config.json" })).toBe(
    'GATEWAY_CONFIG: "/nowhere/gateway.config.json" names a file that does not exist',
  );
  expect(messageFor({ GATEWAY_CONFIG: tmpdir() })).toBe(
    `GATEWAY_CONFIG: ${JSON.stringify(tmpdir())} names a file that cannot be read (EISDIR)`,
  );
});

test("says that a file is not for this process to read", () => {
  const refuse = () => {
    throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
  };
  expect(() => readSettings({ GATEWAY_CONFIG: "a.json" }, refuse)).toThrow(
    'GATEWAY_CONFIG: "a.json" names a file that this process may not read',
  );
});
