import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { toJsonSchema } from "@valibot/to-json-schema";
import { expect, test } from "vitest";
import { createTokenVerifier } from "../auth/verify-token.ts";
import { readConfig } from "../settings/config-file.ts";
import { GatewayConfig } from "../settings/customer-settings.ts";
import { VARIABLES } from "../settings/settings.ts";

const page = readFileSync(new URL("../../docs/run-the-gateway.md", import.meta.url), "utf8");

/** Reads the names in the first column of the table under a heading. */
function namesUnder(heading: string): string[] {
  const [, section = ""] = page.split(`\n${heading}\n`);
  const [own = ""] = section.split(/\n##+ /);
  return Array.from(own.matchAll(/^\| `([^`]+)` \|/gm), ([, name = ""]) => name);
}

/** Variables with a row on the page. Variables of tokens and of traces have pages of their own. */
const TABLED = VARIABLES.filter(({ name }) => !/^(?:JWT|DEMO|OTEL)_/.test(name));

test("describes each variable of the environment, and no other", () => {
  expect(namesUnder("## Settings").sort()).toEqual(TABLED.map(({ name }) => name).sort());
});

test.each(TABLED)("names the default of $name", ({ name, defaultText }) => {
  const [, documented = ""] = new RegExp(`^\\| \`${name}\` \\|.*\\| ([^|]*) \\|$`, "m").exec(page) ?? [];
  expect(/^`([^`]+)`/.exec(documented)?.[1]).toBe(defaultText);
});

const customersFiles = Array.from(page.matchAll(/```json\n(.*?)```/gs), ([, text = ""]) => text);

test("shows a customers' file with the minimum for a customer, and a whole file", () => {
  expect(customersFiles).toHaveLength(2);
});

test.each(customersFiles)("shows a customers' file that the gateway accepts: %#", (text) => {
  const names = Array.from(text.matchAll(/\$\{(\w+)\}/g), ([, name = ""]) => name);
  const environment = Object.fromEntries(names.map((name) => [name, "s".repeat(32)]));
  expect(readConfig(text, environment)).toHaveProperty("config");
});

test("the operator's token that the page makes may set every agent of the page's customer", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const read = readConfig(customersFiles[0] ?? "", { ACME_SECRET: secret });
  if ("problems" in read) throw new Error(read.problems.join("\n"));
  const [acme] = read.config.customers;
  if (!acme) throw new Error("The page's first file has no customer");
  const [, code = ""] = /```js\n(.*?)```/s.exec(page) ?? [];
  mkdirSync("node_modules/.cache", { recursive: true });
  const file = `${mkdtempSync("node_modules/.cache/operations-page-")}/operator-token.mjs`;
  writeFileSync(file, code);
  const env = { ...process.env, ACME_SECRET: secret };
  const token = execFileSync(process.execPath, [file], { encoding: "utf8", env }).trim();
  await expect(createTokenVerifier(acme.tokens, acme.id)(token)).resolves.toMatchObject({
    subject: "operator",
    scopes: new Set(["availability:write"]),
  });
});

interface Schema {
  /** Set for a former key, which nothing fits. */
  readonly not?: object;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Lists the paths of an object's settings, down to `limits`; tokens and upstreams are described elsewhere. */
function pathsOf(schema: Schema, before = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const path = `${before}${name}`;
    if (property.not) return [];
    if (name === "limits") return pathsOf(property, `${path}.`);
    return [path, ...pathsOf(property.items ?? {}, `${path}.`)];
  });
}

test("describes each key of the customers' file, and no other", () => {
  const schema = toJsonSchema(GatewayConfig, { errorMode: "ignore", typeMode: "input" }) as Schema;
  expect(namesUnder("### The customers' file").sort()).toEqual(pathsOf(schema).sort());
});
