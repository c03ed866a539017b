/** The README's examples, taken from the README itself and run as they stand, but for the widget's address. */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, type Page, test } from "@playwright/test";
import { build } from "vite";
import type {} from "../host/script.ts";
import { startGatewayProcess } from "../scripts/gateway-process.mjs";
import type { Envelope } from "../shared/envelope.ts";

const readme = readFileSync("README.md", "utf8");

test("the script tag's example says that agent 123 is available", async ({ page }) => {
  const site = await serve((gateway) => `<!doctype html>${example("html", gateway)}`);
  await expectConsole(page, site, "Agent 123 is available");
});

test("the TypeScript example says that agent 123 can be called", async ({ page }) => {
  const site = await serve(
    () => '<!doctype html><script type="module" src="/example.js"></script>',
    async (gateway) => bundle(example("ts", gateway)),
  );
  await expectConsole(page, site, "Agent 123: available, call now");
});

test("the TypeScript example says what went wrong where the agent does not exist", async ({ page }) => {
  const site = await serve(
    () => '<!doctype html><script type="module" src="/example.js"></script>',
    async (gateway) => bundle(example("ts", gateway).replace("userId: 123", "userId: 404404")),
  );
  await expectConsole(
    page,
    site,
    "RejectedError: API.FETCH_USER_AVAILABILITY was rejected by the backend with status 404",
  );
});

test("the event's examples are what the connector posts and what the gateway's agents settle as", async ({ page }) => {
  const [request, fulfilled, rejected] = examples("json").map((text): Envelope => JSON.parse(text));
  if (!request) throw new Error("The README shows no request");
  const site = await serve((gateway) => `<!doctype html><script src="${gateway}/embed.js"></script>`);
  await page.goto(site);
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

function example(language: string, gateway: string): string {
  const [code] = examples(language);
  if (!code) throw new Error(`The README has no example in ${language}`);
  return code.replaceAll("https://widget.example.com", gateway);
}

/** Bundles an example as its reader's bundler would. */
async function bundle(code: string): Promise<string> {
  const folder = mkdtempSync("test-results/readme-");
  writeFileSync(`${folder}/example.ts`, code);
  const result = await build({
    configFile: false,
    logLevel: "error",
    resolve: { alias: { "availability-bridge": `${process.cwd()}/dist/index.js` } },
    build: { write: false, lib: { entry: `${folder}/example.ts`, formats: ["es"] } },
  });
  const [output] = [result].flat();
  if (!output || !("output" in output)) throw new Error("The example's bundle came out empty");
  return output.output[0].code;
}

/** Serves a page, and its script where it has one, beside a gateway that allows it. */
async function serve(
  html: (gateway: string) => string,
  script: (gateway: string) => Promise<string> = async () => "",
): Promise<string> {
  let content = { html: "", script: "" };
  const server = createServer(({ url }, response) => {
    if (url === "/example.js") response.setHeader("content-type", "text/javascript").end(content.script);
    else response.setHeader("content-type", "text/html").end(content.html);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const site = `http://localhost:${(server.address() as AddressInfo).port}`;
  const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: site }, () => {});
  cleanups.push(async () => {
    server.close();
    server.closeAllConnections();
    await gateway.stop();
  });
  content = { html: html(gateway.origin), script: await script(gateway.origin) };
  return site;
}

const cleanups: (() => Promise<void>)[] = [];

test.afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function expectConsole(page: Page, site: string, text: string): Promise<void> {
  const said = page.waitForEvent("console", (message) => message.text() === text);
  await page.goto(site);
  await said;
}
