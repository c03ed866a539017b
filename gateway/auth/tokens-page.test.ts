/** Runs the examples of docs/tokens.md unchanged. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { readConfig } from "../settings/config-file.ts";
import { createTokenVerifier } from "./verify-token.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const page = readFileSync("docs/tokens.md", "utf8");

function example(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(page) ?? [];
  if (!code) throw new Error(`docs/tokens.md has no example in ${language}`);
  return code;
}

function customers() {
  const read = readConfig(example("json"), { ACME_SECRET: SECRET });
  if ("problems" in read) throw new Error(read.problems.join("\n"));
  return read.config.customers;
}

test("the gateway accepts the settings of the page", () => {
  expect(customers().map(({ id, tokens }) => [id, tokens.algorithm, tokens.leewaySeconds])).toEqual([
    ["acme", "HS256", 30],
    ["globex", "ES256", 10],
  ]);
});

test("the gateway accepts a token made by the code of the page", async () => {
  mkdirSync("node_modules/.cache", { recursive: true });
  const file = `${mkdtempSync("node_modules/.cache/tokens-page-")}/example.mjs`;
  writeFileSync(file, example("js"));
  const { makePhoneToken } = await import(/* @vite-ignore */ pathToFileURL(file).href);
  const [acme] = customers();
  if (!acme) throw new Error("The example has no customer");
  const token = await makePhoneToken(123, SECRET);
  await expect(createTokenVerifier(acme.tokens, acme.id)(token)).resolves.toMatchObject({
    subject: 123,
    scopes: new Set(["availability:read"]),
  });
});
