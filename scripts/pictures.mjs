// @ts-check
/** `npm run pictures`, after `npm run build`: takes the pictures of the documentation, in `docs/pictures`. */
import { randomBytes } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { chromium } from "@playwright/test";
import { runnerImport } from "vite";
import { serveDemoSite } from "./demo/demo-site.mjs";
import { startGatewayProcess } from "./demo/gateway-process.mjs";
import { BROWSER_ARGUMENTS, findBrowsers } from "./testing/browsers.mjs";
import { findFreePort } from "./testing/free-port.mjs";

const FOLDER = "docs/pictures";

const MAX_BYTES = 60_000;

/** Size of a picture of a whole page. */
const MAX_PAGE_BYTES = 200_000;

/**
 * @typedef {object} Picture
 * @property {string} name
 * @property {string} language
 * @property {"light" | "dark"} theme
 * @property {number} width of the page, in CSS pixels
 * @property {number} scale pixels of the picture for each
 * @property {boolean} [isForced] true for forced colours
 * @property {readonly string[]} [variants] @default all
 */

/** @type {readonly Picture[]} */
const BADGES = [
  { name: "badge-light", language: "en", theme: "light", width: 760, scale: 1 },
  { name: "badge-dark", language: "en", theme: "dark", width: 760, scale: 1 },
  { name: "badge-german", language: "de", theme: "light", width: 760, scale: 1 },
  { name: "badge-right-to-left", language: "ar", theme: "light", width: 760, scale: 1 },
  { name: "badge-forced-colors", language: "en", theme: "dark", width: 760, scale: 1, isForced: true },
  { name: "badge-narrow", language: "fr", theme: "light", width: 320, scale: 1, variants: ["pill"] },
  { name: "badge-twice", language: "en", theme: "light", width: 400, scale: 2, variants: ["dot"] },
];

/**
 * @typedef {object} PanelPicture
 * @property {import("../e2e/fixtures/panel-screens.ts").PanelScreen} screen
 * @property {string} [language] default: "en"
 * @property {"light" | "dark"} [theme] default: "light"
 * @property {number} [width] of the frame, in CSS pixels, default: 340
 * @property {number} [height] default: 480
 * @property {number} [scale] default: 1
 * @property {boolean} [isForced]
 */

/** By the names of the files. The fonts of the machine decide which languages can be shown. @type {Readonly<Record<string, PanelPicture>>} */
const PANELS = {
  "panel-light": { screen: "team", height: 560 },
  "panel-twice": { screen: "team", width: 320, height: 320, scale: 2 },
  "panel-dark": { screen: "team", theme: "dark", height: 560 },
  "panel-german": { screen: "team", language: "de", height: 560 },
  "panel-right-to-left": { screen: "team", language: "ar", height: 560 },
  "panel-forced-colors": { screen: "team", theme: "dark", height: 560, isForced: true },
  "panel-narrow": { screen: "team", language: "fr", width: 320 },
  "panel-wide": { screen: "team", width: 1_600, height: 700 },
  "panel-searching": { screen: "searching" },
  "panel-no-match": { screen: "no_match", theme: "dark" },
  "panel-pending": { screen: "pending" },
  "panel-rejected": { screen: "rejected" },
  "panel-read-only": { screen: "read_only" },
  "panel-no-token": { screen: "no_token" },
  "panel-reconnecting": { screen: "reconnecting", height: 560 },
  "panel-connecting": { screen: "connecting" },
  "panel-empty": { screen: "empty" },
  "panel-failed": { screen: "failed" },
  "panel-not-allowed": { screen: "team_not_allowed" },
  "panel-signed-out": { screen: "signed_out", theme: "dark" },
};

const [{ executablePath, environment }] = findBrowsers();
/** @type {{ module: typeof import("../e2e/fixtures/all-badges.ts") }} */
const { module } = await runnerImport("./e2e/fixtures/all-badges.ts", { configFile: false, logLevel: "warn" });
/** @type {Record<string, string | undefined>} */
const env = { ...process.env, ...environment };
const browser = await chromium.launch({ executablePath, args: BROWSER_ARGUMENTS, env });
mkdirSync(FOLDER, { recursive: true });
for (const { name, language, theme, width, scale, isForced, variants } of BADGES) {
  const page = await browser.newPage({
    viewport: { width, height: 400 },
    deviceScaleFactor: scale,
    forcedColors: isForced ? "active" : "none",
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  await page.setContent(await module.createAllBadgesPage(language, theme));
  await page.locator('.full [user-id="1"][data-callable="true"]').waitFor();
  for (const variant of variants ?? ["dot", "pill", "full"]) {
    const path = `${FOLDER}/${name}-${variant}.png`;
    await page.locator(`div.${variant}`).screenshot({ path, animations: "disabled" });
    reportSize(path);
  }
  await page.close();
}
/** @type {{ module: typeof import("../e2e/fixtures/panel-screens.ts") }} */
const { module: panels } = await runnerImport("./e2e/fixtures/panel-screens.ts", {
  configFile: false,
  logLevel: "warn",
});
for (const [name, picture] of Object.entries(PANELS)) {
  const { screen, language = "en", theme = "light", width = 340, height = 480, scale = 1, isForced } = picture;
  const page = await browser.newPage({
    viewport: { width, height },
    deviceScaleFactor: scale,
    forcedColors: isForced ? "active" : "none",
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  await page.setContent(await panels.createPanelScreen(screen, language, theme));
  await page.locator(`html[data-ready][lang="${language}"]`).waitFor({ state: "attached" });
  // The act of the screen shows with the next frames of animation.
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
  const path = `${FOLDER}/${name}.png`;
  await page.screenshot({ path, animations: "disabled" });
  reportSize(path);
  await page.close();
}
await takePlayground();
await browser.close();

/** Takes the demo page as `npm start` serves it, with a contact whose owner can be called. Needs the build. */
async function takePlayground() {
  // The demo page's port is not known before its gateway starts, and the gateway has to allow the page's origin.
  const port = await findFreePort();
  const tokenSecret = randomBytes(32).toString("base64url");
  const settings = {
    GATEWAY_PORT: "0",
    ALLOWED_ORIGINS: `http://localhost:${port}`,
    DEMO_TOKEN_SECRET: tokenSecret,
  };
  const gateway = await startGatewayProcess(settings, () => {});
  const demo = await serveDemoSite({ port, gateway, tokenSecret });
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 }, reducedMotion: "reduce" });
  await page.goto(demo.origin);
  await page.locator('#contact-rows availability-badge[data-callable="true"]').first().waitFor();
  await page.locator("#call-owner:enabled").waitFor();
  await page.getByRole("button", { name: "Fetch", exact: true }).click();
  await page
    .frameLocator("iframe")
    .getByText(/\d+ of \d+ can be called/)
    .waitFor();
  const path = `${FOLDER}/playground.png`;
  await page.screenshot({ path, animations: "disabled" });
  reportSize(path, MAX_PAGE_BYTES);
  await page.close();
  demo.close();
  await gateway.stop();
}

/** @param {string} path @param {number} maxBytes */
function reportSize(path, maxBytes = MAX_BYTES) {
  const { size } = statSync(path);
  console.log(`${path} ${size} bytes`);
  if (size > maxBytes) throw new Error(`${path}: expected at most ${maxBytes} bytes`);
}
