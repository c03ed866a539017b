/** Runs the examples of docs/tokens.md unchanged. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { readConfig } from "../settings/config-file.ts";
import { serveJwks } from "../test/test-tokens.ts";
import { createTokenVerifier } from "./verify-token.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const page = readFileSync("docs/tokens.md", "utf8");

/** Returns the page's example in a language, the first one if there are several. */
function example(language: string, index = 0): string {
  const codes = Array.from(page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "gs")), ([, code = ""]) => code);
  const code = codes[index];
  if (!code) throw new Error(`docs/tokens.md has no example ${index} in ${language}`);
  return code;
}

/** Makes a folder from which the examples find the packages of the repository. */
function makeFolder(): string {
  mkdirSync("node_modules/.cache", { recursive: true });
  return mkdtempSync("node_modules/.cache/tokens-page-");
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
  const file = `${makeFolder()}/example.mjs`;
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

test("the gateway accepts a token made with the key of the page, by its key set", async () => {
  const folder = makeFolder();
  writeFileSync(path.join(folder, "make-key.mjs"), example("js", 1));
  writeFileSync(path.join(folder, "sign.mjs"), example("js", 2));
  execFileSync(process.execPath, ["make-key.mjs"], { cwd: folder });
  const key = path.join(folder, "phone-key.pem");
  // Readable by its owner alone.
  expect(statSync(key).mode & 0o077).toBe(0);
  const { keys } = JSON.parse(readFileSync(path.join(folder, "jwks.json"), "utf8"));
  expect(keys).toEqual([expect.not.objectContaining({ d: expect.anything() })]);
  const { url } = await serveJwks(keys);
  const { makePhoneToken } = await import(/* @vite-ignore */ pathToFileURL(path.join(folder, "sign.mjs")).href);
  const token = await makePhoneToken(123, readFileSync(key, "utf8"));
  const [, globex] = customers();
  if (!globex || !("jwksUrl" in globex.tokens)) throw new Error("The example's second customer has no key set");
  const verify = createTokenVerifier({ ...globex.tokens, jwksUrl: url }, globex.id);
  await expect(verify(token)).resolves.toMatchObject({ subject: 123, scopes: new Set(["availability:read"]) });
});
