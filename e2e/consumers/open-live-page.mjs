// @ts-check
/**
 * Opens the page of a framework, with the built gateway behind it, and uses it: `node open-live-page.mjs FOLDER` for files, and
 * `node open-live-page.mjs --server PROGRAM ARGUMENTS…` for a server on the port `PORT`. `--rendered`: the document has the agent already, as a
 * server renders it. Ends with 0 if the page shows agent 123 and a change of the agent, and agent 124 after a click, and nothing complains.
 *
 * The page has the state in the first `p`, a badge, a button "Call" that is enabled while the agent is callable, and a button "Next agent".
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { request as sendRequest } from "node:http";
import path from "node:path";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { chromium } from "@playwright/test";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { findFreePort } from "../../scripts/testing/free-port.mjs";
import { servePageWithGateway } from "../../scripts/testing/page-with-gateway.mjs";

const TYPES = new Map([
  [".html", "text/html"],
  [".js", "text/javascript"],
  [".css", "text/css"],
]);
const TIMEOUT_MS = 60_000;

const { values, positionals } = parseArgs({
  options: { rendered: { type: "boolean", default: false }, server: { type: "boolean", default: false } },
  allowPositionals: true,
});
const server = values.server ? await startServer(positionals) : undefined;
const { site, gateway, setStatus, close } = await servePageWithGateway((request, response) => {
  if (server) forward(server.port, request, response);
  else void serveFile(new URL(request.url ?? "/", "http://localhost").pathname, response);
});
const { executablePath, environment } = findBrowsers()[0];
const browser = await chromium.launch({
  executablePath,
  args: BROWSER_ARGUMENTS,
  env: { .../** @type {Record<string, string>} */ (process.env), ...environment },
});

try {
  if (values.rendered) expectRendered(await (await fetch(site)).text());
  const page = await browser.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const isComplaint = message.type() === "error" || message.type() === "warning";
    // Debian's Chromium denies shared workers to the frames of other sites.
    if (isComplaint && !message.text().includes("the tabs share no stream")) complaints.push(message.text());
  });
  const expectShown = createExpectShown(page, complaints);
  await page.goto(`${site}/?src=${encodeURIComponent(`${gateway}/widget/`)}`);
  await expectShown({ state: "available", canCall: true, badge: "123 Available", frames: 1 });
  await setStatus("out_for_lunch");
  await expectShown({ state: "do_not_disturb", canCall: false, badge: "123 Out for lunch", frames: 1 });
  await page.getByRole("button", { name: "Next agent" }).click();
  await expectShown({ state: "wrapping_up", canCall: false, badge: "124 Wrapping up", frames: 1 });
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
} finally {
  await browser.close();
  await close();
  server?.stop();
}

/** @param {string} html */
function expectRendered(html) {
  for (const pattern of [
    /<availability-badge\b[^>]*\buser-id="123"/,
    /<p>(?:<!--.*?-->)*loading/,
    /<button[^>]*\bdisabled/,
  ]) {
    if (!pattern.test(html)) throw new Error(`The server's document has no ${pattern}: ${html}`);
  }
}

/**
 * Makes a function that waits until the page shows what is expected.
 *
 * @param {import("@playwright/test").Page} page
 * @param {readonly string[]} complaints of the page so far
 */
function createExpectShown(page, complaints) {
  /** @param {{ state: string, canCall: boolean, badge: string, frames: number }} expected */
  return async (expected) => {
    const end = performance.now() + TIMEOUT_MS;
    for (;;) {
      // An agent beside the one of the example has another number.
      const badge = page.locator('availability-badge:is([user-id="123"], [user-id="124"])');
      const shown = {
        state: await page.locator("p").first().textContent(),
        canCall: await page.getByRole("button", { name: "Call" }).isEnabled(),
        badge: await badge.evaluate(
          (element) => `${element.getAttribute("user-id")} ${element.shadowRoot?.textContent}`,
        ),
        frames: await page.locator("iframe").count(),
      };
      if (isDeepStrictEqual(shown, expected)) return;
      if (performance.now() > end) throw new Error([JSON.stringify(shown), ...complaints].join("\n"));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
}

/**
 * Starts a program that serves on the port `PORT`, and waits until it accepts connections.
 *
 * @param {readonly string[]} program
 */
async function startServer(program) {
  const port = await findFreePort();
  const child = spawn(process.execPath, program, {
    env: { ...process.env, NODE_ENV: "production", HOST: "localhost", PORT: String(port) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const end = performance.now() + TIMEOUT_MS;
  while (
    !(await fetch(`http://localhost:${port}/`).then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`${program.join(" ")} does not serve`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { port, stop: () => child.kill() };
}

/**
 * Hands a request to the framework's server: the gateway allows the origin in front of it.
 *
 * @param {number} port
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
function forward(port, request, response) {
  // No content in place of 404: the browser asks for an icon by itself, and would write an error into the console.
  if (request.url === "/favicon.ico") return void response.writeHead(204).end();
  const { method, headers, url } = request;
  const forwarded = sendRequest({ host: "localhost", port, method, headers, path: url }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  forwarded.on("error", () => response.destroy());
  request.pipe(forwarded);
}

/**
 * @param {string} requested path of the address
 * @param {import("node:http").ServerResponse} response
 */
async function serveFile(requested, response) {
  const file = requested === "/" ? "index.html" : requested;
  const type = TYPES.get(path.extname(file)) ?? "application/octet-stream";
  const body = await readFile(path.join(positionals[0] ?? "out", file)).catch(() => undefined);
  if (body) response.setHeader("content-type", type).end(body);
  else response.writeHead(204).end();
}
