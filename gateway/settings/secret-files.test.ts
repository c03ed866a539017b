import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "./config-file.ts";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

const RESTART = "systemd copies the files of LoadCredential when it starts the unit: restart the unit after a new one";

/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), "secrets-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

/** The text of a customers' file whose customer has this secret. */
function fileWith(secret: string | readonly string[]): string {
  const tokens = { algorithm: "HS256", issuer: "acme", audience: "gateway", secret };
  return JSON.stringify({ customers: [{ id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens }] });
}

function secretsOf(secret: string | readonly string[], environment: Readonly<Record<string, string>> = {}): unknown {
  const folder = folderOf({ "gateway.config.json": fileWith(secret) });
  const { customers } = readSettings({ GATEWAY_CONFIG: join(folder, "gateway.config.json"), ...environment });
  return customers.map(({ tokens }) => "secret" in tokens && tokens.secret)[0];
}

test.each([
  ["without an end of line", SECRET],
  ["with the end of line that echo adds", `${SECRET}\n`],
  ["with an end of line of Windows", `${SECRET}\r\n`],
])("reads a secret from a file %s", (_what, content) => {
  const folder = folderOf({ acme: content });
  expect(secretsOf(`\${file:${join(folder, "acme")}}`)).toBe(SECRET);
  expect(secretsOf("${ACME}", { ACME_FILE: join(folder, "acme") })).toBe(SECRET);
});

test("removes one end of line alone, and warns of other white space", () => {
  const folder = folderOf({ acme: `${SECRET} \n\n`, "gateway.config.json": fileWith("${file:acme}") });
  const environment = { CREDENTIALS_DIRECTORY: folder, GATEWAY_CONFIG: join(folder, "gateway.config.json") };
  const { customers, warnings } = readSettings(environment);
  expect(customers[0]?.tokens).toMatchObject({ secret: `${SECRET} \n` });
  expect(warnings).toContainEqual(
    expect.stringMatching(/^Customer acme: tokens\.secret begins or ends with white space/),
  );
});

test("reads a relative path from the credentials of systemd, and of several secrets each from its own file", () => {
  const folder = folderOf({ first: SECRET, second: SECRET.toUpperCase() });
  const environment = { CREDENTIALS_DIRECTORY: folder, SECOND_FILE: "second" };
  expect(secretsOf(["${file:first}", "${SECOND}"], environment)).toEqual([SECRET, SECRET.toUpperCase()]);
});

test("reads the gateway's own secrets from files", () => {
  const folder = folderOf({ jwt: `${SECRET}\n`, redis: "redis://:hunter2@127.0.0.1:6379\n" });
  const settings = readSettings({
    JWT_ALGORITHM: "HS256",
    JWT_ISSUER: "acme",
    JWT_AUDIENCE: "gateway",
    JWT_SECRET_FILE: join(folder, "jwt"),
    REDIS_URL_FILE: join(folder, "redis"),
  });
  expect(settings.customers[0]?.tokens).toMatchObject({ secret: SECRET });
  expect(settings.variables["REDIS_URL"]).toMatchObject({ origin: `file ${join(folder, "redis")}` });
  expect(settings.warnings).toEqual([]);
});

test("names each file that cannot be read, by the variable or the path of the value, and no second problem", () => {
  const folder = folderOf({ empty: "\n", binary: Buffer.from([0xff, 0xfe, 0x00]), both: SECRET });
  const path = (name: string) => join(folder, name);
  const file = folderOf({ "gateway.config.json": fileWith(["${file:missing}", "${EMPTY}", "${file:binary}"]) });
  const message = messageFor({
    CREDENTIALS_DIRECTORY: folder,
    GATEWAY_CONFIG: join(file, "gateway.config.json"),
    EMPTY_FILE: "empty",
    REDIS_URL_FILE: "missing",
  });
  const prefix = `${join(file, "gateway.config.json")}: customers.0.tokens.secret`;
  expect(message.split("\n")).toEqual([
    `REDIS_URL_FILE: "${path("missing")}" names a file that does not exist; ${RESTART}`,
    `EMPTY_FILE: "${path("empty")}" names a file that is empty`,
    `${prefix}.0: "${path("missing")}" names a file that does not exist; ${RESTART}`,
    `${prefix}.2: "${path("binary")}" names a file that is not text in UTF-8`,
  ]);
  expect(messageFor({ REDIS_URL: "redis://127.0.0.1", REDIS_URL_FILE: path("both") })).toBe(
    "REDIS_URL_FILE: is set beside REDIS_URL, and one of the two is enough",
  );
});

test("says at which folder a relative path starts without CREDENTIALS_DIRECTORY", () => {
  expect(messageFor({ REDIS_URL_FILE: "missing" })).toBe(
    `REDIS_URL_FILE: "${resolve("missing")}" names a file that does not exist; CREDENTIALS_DIRECTORY is not set, so that the path starts at the folder in which the gateway was started`,
  );
  expect(messageFor({ REDIS_URL_FILE: "/nowhere/missing" })).toBe(
    'REDIS_URL_FILE: "/nowhere/missing" names a file that does not exist',
  );
});

test("prints no secret of a file, even in a wrong place", () => {
  const folder = folderOf({ secret: 'Hunter "2"' });
  const misplaced = `\${file:${join(folder, "secret")}}`;
  const read = readConfig(JSON.stringify({ customers: [{ id: misplaced, allowedOrigins: [misplaced] }] }), {});
  if (!("problems" in read)) throw new Error("The file was accepted");
  expect(read.problems.join()).toContain(misplaced);
  expect(read.problems.join()).not.toContain("Hunter");
});

test("knows NAME_FILE of its secrets and of the variables in the customers' file, and no other", () => {
  const folder = folderOf({ acme: SECRET, "gateway.config.json": fileWith("${JWT_ACME}") });
  const { warnings } = readSettings({
    GATEWAY_CONFIG: join(folder, "gateway.config.json"),
    JWT_ACME_FILE: join(folder, "acme"),
    GATEWAY_PORT_FILE: join(folder, "acme"),
  });
  expect(warnings.filter((warning) => warning.includes("has no effect"))).toEqual([
    expect.stringMatching(/^GATEWAY_PORT_FILE: has no effect/),
  ]);
});
