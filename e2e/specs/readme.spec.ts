/** The README's examples, taken from the README itself and run as they stand, but for the widget's address. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { bundle } from "../../scripts/bundle.mjs";
import type { Envelope } from "../../shared/protocol/envelope.ts";
import { expect, test } from "../fixtures/fixtures.ts";

const readme = readFileSync("README.md", "utf8");

test("the script tag's example says that agent 123 is available", async ({ page, host, gateway }) => {
  const address = host.serve(`<!doctype html>${example("html", gateway.origin)}`);
  await expectConsole(page, address, "Agent 123 is available");
});

test("the script tag's example passes unchanged through PHP heredocs and the template engines of Smarty, Jinja and Vue", () => {
  for (const html of examples("html")) expect(html).not.toMatch(/\$|`|\{\S|\{\{/);
});

test("the TypeScript example says that agent 123 can be called", async ({ page, host, gateway }) => {
  const script = await bundleExample(example("ts", gateway.origin));
  const address = host.serve(`<!doctype html><script type="module">${script}</script>`);
  await expectConsole(page, address, "Agent 123: available, call now");
});

test("the TypeScript example says what went wrong where the agent does not exist", async ({ page, host, gateway }) => {
  const script = await bundleExample(example("ts", gateway.origin).replace("userId: 123", "userId: 404404"));
  const address = host.serve(`<!doctype html><script type="module">${script}</script>`);
  await expectConsole(
    page,
    address,
    "RejectedError: API.FETCH_USER_AVAILABILITY was rejected by the backend with status 404",
  );
});

test("the live examples show that agent 123 is available", async ({ page, host, gateway }) => {
  const badge = example("html", gateway.origin, 1);
  const address = host.serve(`<!doctype html>${example("html", gateway.origin)}${badge}`);
  await page.goto(address);
  await expect(page.locator("availability-badge")).toHaveText("Available");
  const script = await bundleExample(`${example("ts", gateway.origin)}${example("ts", gateway.origin, 1)}`);
  await expectConsole(
    page,
    host.serve(`<!doctype html><script type="module">${script}</script>`),
    "Agent 123 is available now",
  );
});

test("the event's examples are what the connector posts and what the gateway's agents settle as", async ({
  page,
  host,
  gateway,
}) => {
  const [request, fulfilled, rejected] = examples("json").map((text): Envelope => JSON.parse(text));
  if (!request) throw new Error("The README shows no request");
  await page.goto(host.serve(`<!doctype html><script src="${gateway.origin}/embed.js"></script>`));
  const settle = (event: Envelope): Promise<unknown> =>
    page.evaluate(
      (asked) =>
        new Promise((resolve) => {
          window.availabilityBridge?.push((connector) => resolve(connector.dispatch(asked)));
        }),
      event,
    );
  const answer = JSON.parse(JSON.stringify(fulfilled), (key, value) =>
    key === "version" ? expect.any(Number) : value,
  );
  expect(await settle(request)).toEqual(answer);
  const absent = JSON.parse(JSON.stringify(request).replace("123", "404404"));
  expect(await settle(absent)).toEqual(rejected);
});

/** The README's code blocks of one language. */
function examples(language: string): readonly string[] {
  return Array.from(readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms")), ([, code = ""]) => code);
}

/** The example of this place among those of its language. */
function example(language: string, gateway: string, index = 0): string {
  const code = examples(language)[index];
  if (!code) throw new Error(`The README has no such example in ${language}`);
  return code.replaceAll("https://widget.example.com", gateway);
}

/** Bundles an example as its reader's bundler would. */
async function bundleExample(code: string): Promise<string> {
  mkdirSync("node_modules/.cache", { recursive: true });
  const file = `${mkdtempSync("node_modules/.cache/readme-")}/example.ts`;
  writeFileSync(file, code);
  return bundle(file, { alias: { "availability-bridge": `${process.cwd()}/dist/index.js` } });
}

async function expectConsole(page: Page, address: string, text: string): Promise<void> {
  const said = page.waitForEvent("console", (message) => message.text() === text);
  await page.goto(address);
  await said;
}
