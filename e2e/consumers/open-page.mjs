// @ts-check
/**
 * Opens the page that a framework's build has written into a folder, with the built gateway behind it. `node open-page.mjs FOLDER` ends with 0 if
 * the page shows agent 123 and a change of the agent, and another agent after a click.
 *
 * The page has the agent's status in a `p`, by `watch` of a connector to the address in the query `src`; badges of the agent, by each binding of the
 * framework; and a `button` that gives agent 124 to the badges.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "@playwright/test";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { servePageWithGateway } from "../../scripts/testing/page-with-gateway.mjs";

const TYPES = new Map([
  [".html", "text/html"],
  [".js", "text/javascript"],
]);

const [, , folder = "out"] = process.argv;
const { site, gateway, setStatus, close } = await servePageWithGateway((request, response) => {
  void serve(new URL(request.url ?? "/", "http://localhost").pathname, response);
});
const { executablePath, environment } = findBrowsers()[0];
const browser = await chromium.launch({
  executablePath,
  args: BROWSER_ARGUMENTS,
  env: { .../** @type {Record<string, string>} */ (process.env), ...environment },
});

try {
  const page = await browser.newPage();
  /** @type {string[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    const isComplaint = message.type() === "error" || message.type() === "warning";
    // Debian's Chromium denies shared workers to the frames of other sites.
    if (isComplaint && !message.text().includes("the tabs share no stream")) errors.push(message.text());
  });
  await page.goto(`${site}/?src=${gateway}/widget/`);
  await expectShown(page, { status: "available", badges: "123 Available" }, errors);
  // The view has to follow, which in Angular nothing but a message in the right zone makes it do.
  await setStatus("out_for_lunch");
  await expectShown(page, { status: "out_for_lunch", badges: "123 Out for lunch" }, errors);
  await page.click("button");
  await expectShown(page, { status: "out_for_lunch", badges: "124 Wrapping up" }, errors);
  if (errors.length > 0) throw new Error(errors.join("\n"));
} finally {
  await browser.close();
  await close();
}

/**
 * Waits until the page shows the status and all its badges show the text, for a minute.
 *
 * @param {import("@playwright/test").Page} page
 * @param {{ status: string, badges: string }} expected
 * @param {readonly string[]} errors what the page has complained of so far
 */
async function expectShown(page, expected, errors) {
  const end = performance.now() + 60_000;
  for (;;) {
    const shown = await page.evaluate(() => ({
      status: document.querySelector("p")?.textContent,
      badges: [
        ...new Set(
          Array.from(
            document.querySelectorAll("availability-badge"),
            (badge) => `${badge.getAttribute("user-id")} ${badge.shadowRoot?.textContent}`,
          ),
        ),
      ].join(),
    }));
    if (isDeepStrictEqual(shown, expected)) return;
    if (performance.now() > end) throw new Error([JSON.stringify(shown), ...errors].join("\n"));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * @param {string} requested path of the address
 * @param {import("node:http").ServerResponse} response
 */
async function serve(requested, response) {
  const file = requested === "/" ? "index.html" : requested;
  const type = TYPES.get(path.extname(file)) ?? "application/octet-stream";
  const body = await readFile(path.join(folder, file)).catch(() => undefined);
  if (body) response.setHeader("content-type", type).end(body);
  // No content in place of 404: the browser asks for an icon by itself, and would write an error into the console.
  else response.writeHead(204).end();
}
