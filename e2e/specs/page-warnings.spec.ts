/** Warnings in the console of a page with only the script tag and badges, which has no code to show an error. */
import type { Page } from "@playwright/test";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { expect, stopClock, test } from "../fixtures/fixtures.ts";

/** Collects the library's warnings in the console of a page and its frames. */
function collectWarnings(page: Page): readonly string[] {
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "warning" && message.text().startsWith("availability-bridge: ")) {
      warnings.push(message.text());
    }
  });
  return warnings;
}

const END = 'See "It does not work" in the documentation';

function badgePage(origin: string, attributes = 'user-id="123"', settings = ""): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,"></head><body>
    <availability-badge ${attributes}></availability-badge>
    <script async src="${origin}/embed.js" ${settings}></script></body></html>`;
}

function noWidget(widgetOrigin: string, page: string): string {
  return (
    `availability-bridge: No widget answered at ${widgetOrigin}/widget/. Check that it can be reached and ends in` +
    ` /widget/, that the vendor allows this page's origin (${page}), and that this page's CSP has it in frame-src. The` +
    ` widget's address comes from the script's own. ${END}`
  );
}

/** Waits until the script tag has defined the badge, so that its clock runs. */
const loaded = (page: Page) => page.evaluate(async () => void (await customElements.whenDefined("availability-badge")));

test("a page that the widget does not allow gets one warning, 8 s after the tag has loaded, and none at later attempts", async ({
  page,
  host,
}) => {
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: ["https://crm.example.com"] });
  const warnings = collectWarnings(page);
  await stopClock(page);
  await page.goto(host.serve(badgePage(backend.origin)));
  await loaded(page);
  await page.clock.runFor(7_999);
  expect(warnings).toEqual([]);
  await page.clock.runFor(1);
  await expect.poll(() => warnings).toEqual([noWidget(backend.origin, host.origin)]);
  await page.clock.runFor(120_000);
  expect(await page.evaluate(() => document.querySelector("availability-badge")?.getAttribute("data-state"))).toBe(
    "error",
  );
  expect(warnings).toHaveLength(1);
  await backend.close();
});

test("a page whose policy has no frame-src for the widget gets a warning that names the directive", async ({
  page,
  host,
  backend,
}) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  const headers = { "content-security-policy": `default-src 'self' data:; script-src ${backend.origin}` };
  await page.goto(host.serve(badgePage(backend.origin), headers));
  await loaded(page);
  await page.clock.runFor(8_000);
  await expect.poll(() => warnings).toEqual([noWidget(backend.origin, host.origin)]);
});

test("a page with a copy of the script elsewhere gets a warning that the widget's address comes from the script's", async ({
  page,
  host,
}) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await page.goto(host.serve(badgePage(`${host.origin}/dist`)));
  await loaded(page);
  await page.clock.runFor(8_000);
  await expect
    .poll(() => warnings)
    .toEqual([
      expect.stringMatching(
        `No widget answered at ${host.origin}/dist/widget/\\..* The widget's address comes from the script's own\\.`,
      ),
    ]);
});

test("a page gets no warning when the widget comes", async ({ page, host, gateway }) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await page.goto(host.serve(badgePage(gateway.origin)));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  await page.clock.runFor(60_000);
  expect(warnings).toEqual([]);
});

test("a page that destroys its connector before the widget has come gets no warning", async ({
  page,
  host,
  backend,
}) => {
  const warnings = collectWarnings(page);
  backend.showInstead((_request, response) => void response.writeHead(404).end());
  await stopClock(page);
  const destroy = "<script>window.availabilityBridge = [(connector) => connector.destroy()];</script>";
  await page.goto(host.serve(badgePage(backend.origin).replace("</head>", `${destroy}</head>`)));
  await expect(page.locator("availability-badge")).toHaveText("Unknown");
  await page.clock.runFor(60_000);
  expect(warnings).toEqual([]);
});

test("a page without data-token-url gets a warning when the gateway wants a token", async ({ page, host, backend }) => {
  const warnings = collectWarnings(page);
  backend.answerWith({ status: 401, body: { status: 401, detail: "This call needs a valid token" } });
  await page.goto(host.serve(badgePage(backend.origin)));
  await expect
    .poll(() => warnings)
    .toEqual([
      "availability-bridge: the gateway rejects the page's agents with status 401: This call needs a valid token. Set" +
        " data-token-url on the page's script tag, or fetchToken in connect(), and check that it gives a valid token." +
        ` ${END}.`,
    ]);
});

test("a page gets a warning for each user-id that is invalid or unknown to the gateway", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const badges = ['user-id="anna@x.de"', 'user-id=" 123 "', 'user-id="123"', 'user-id="999999"']
    .map((attribute) => `<availability-badge ${attribute}></availability-badge>`)
    .join("");
  await page.goto(host.serve(badgePage(gateway.origin).replace("<body>", `<body>${badges}`)));
  await expect(page.locator('[user-id="123"]').first()).toHaveText("Available");
  await expect
    .poll(() => warnings)
    .toEqual([
      `availability-bridge: user-id: expected a whole number from 1, not "anna@x.de". ${END}`,
      `availability-bridge: user-id: expected a whole number from 1, not " 123 ". ${END}`,
      `availability-bridge: user-id: there is no agent 999999 in the telephony system. The id must be the telephony system's, not the CRM's. ${END}.`,
    ]);
});

test("a page gets a warning for a misspelt user-id", async ({ page, host, gateway }) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await page.goto(host.serve(badgePage(gateway.origin, 'userId="123"')));
  await loaded(page);
  await page.clock.runFor(5_000);
  await expect
    .poll(() => warnings)
    .toEqual([
      `availability-bridge: user-id: expected on each <availability-badge>, and one has only userid, data-state, data-reason, data-stale, data-callable. ${END}`,
    ]);
});

test("a page gets a warning for an attribute that the script tag does not know, with the list of known attributes", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  await page.goto(host.serve(badgePage(gateway.origin, 'user-id="123"', 'data-tokenurl="/token"')));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  const known = "data-container, data-title, data-timeout-ms, data-token-url, data-app-name, data-release";
  expect(warnings).toEqual([`availability-bridge: data-tokenurl: expected ${known}. ${END}`]);
});

test("a page gets one warning that the settings of further script tags are ignored, if they differ", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const tag = (settings: string) => `<script src="${gateway.origin}/embed.js" ${settings}></script>`;
  const other = tag('data-token-url="/phone-token" data-title="Acme"');
  const tags = `${tag('data-title="Acme"')}${tag('data-title="Acme"')}${other}${other}`;
  await page.goto(host.serve(badgePage(gateway.origin).replace("</head>", `${tags}</head>`)));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  await expect
    .poll(() => warnings)
    .toEqual([`availability-bridge: A second script tag is ignored, with its data-token-url. ${END}`]);
});
