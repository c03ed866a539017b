/** The fake widget of the test kit, which no network leads to, with the built connector and script tag. */
import { mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { test as documented, type Page } from "@playwright/test";
import { bundle } from "../../scripts/bundle.mjs";
import type * as kit from "../../testing/playwright.ts";
import { exampleWith } from "../fixtures/documentation.ts";
import { collectComplaints, connectorPage, expect, test } from "../fixtures/fixtures.ts";
import { headersToPaste } from "../fixtures/security-page.ts";

const { routeFakeWidget }: typeof kit = await import(`${process.cwd()}/dist/testing-playwright.js`);

const ORIGIN = "https://widget.example.com";
const ADDRESS = `${ORIGIN}/widget/`;
const BADGES = `<availability-badge user-id="123"></availability-badge><availability-badge user-id="124"></availability-badge>`;

/** A page with the script tag and two badges. */
const taggedPage = (head = ""): string =>
  `<!doctype html><html lang="en"><head><title>CRM</title><link rel="icon" href="data:,">${head}
  <script async src="${ORIGIN}/embed.js"></script></head><body>${BADGES}</body></html>`;

/** Connects, and keeps the connector as `window.connector`. */
const connectTo = (page: Page, options: object = {}): Promise<void> =>
  page.evaluate((given) => void (window.connector = window.connect(given)), { src: ADDRESS, ...options });

/** Reads agent 123; returns the status, or the code or the status of the error. */
const read = (page: Page, timeoutMs = 10_000): Promise<unknown> =>
  page.evaluate(
    (timeout) =>
      window.connector
        .request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }, { timeoutMs: timeout })
        .then(
          ({ status }) => status,
          ({ code, status }) => code ?? status,
        ),
    timeoutMs,
  );

test("badges of the script tag follow the test, on every page of the context", async ({ context, page, host }) => {
  const widget = await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available", 124: "offline" } });
  const complaints = await collectComplaints(page);
  const address = host.serve(taggedPage());
  await page.goto(address);
  const badges = page.locator("availability-badge");
  await expect(badges).toHaveText(["Available", "Offline"]);
  const other = await context.newPage();
  await other.goto(address);
  await expect(other.locator("availability-badge")).toHaveText(["Available", "Offline"]);

  await widget.setAvailability(123, "in_call");
  await widget.removeUser(124);
  for (const shown of [page, other]) {
    await expect(shown.locator("availability-badge").first()).toHaveText("In call");
    await expect(shown.locator("availability-badge").last()).toHaveAttribute("data-state", "removed");
  }
  expect(complaints).toEqual([]);
});

test("the connector of a page reads, fails, waits and reads again as the test says", async ({
  context,
  page,
  host,
}) => {
  const widget = await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available" }, userId: 123 });
  await page.goto(host.serve(connectorPage()));
  await connectTo(page);
  expect(await read(page)).toBe("available");
  const accept = widget.reject("API.FETCH_USER_AVAILABILITY", { status: 503 });
  expect(await read(page)).toBe(503);
  accept();
  const stop = widget.delay(60_000);
  expect(await read(page, 300)).toBe("BACKEND_TIMEOUT");
  stop();
  await page.evaluate(() => window.connector.request("API.UPDATE_AVAILABILITY", { status: "on_a_break" }));
  expect(await read(page)).toBe("on_a_break");
  expect(widget.requests.slice(0, 2)).toEqual(
    Array.from({ length: 2 }, () => ({ type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } })),
  );
});

test("the session ends for a page that has no other token", async ({ context, page, host }) => {
  const widget = await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available", 124: "available" } });
  await page.goto(host.serve(taggedPage()));
  const badge = page.locator("availability-badge").first();
  await expect(badge).toHaveText("Available");
  await widget.expireSession();
  await expect(badge).toHaveText("Session ended");
});

test("a widget that the test takes away is missed at once, and is found again", async ({ context, page, host }) => {
  const widget = await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available" } });
  await page.goto(host.serve(connectorPage()));
  await connectTo(page, { handshakeTimeoutMs: 400 });
  expect(await read(page)).toBe("available");
  await widget.disconnect();
  await expect.poll(() => page.evaluate(() => window.connector.state)).toBe("reconnecting");
  expect(await read(page)).toBe("WIDGET_UNAVAILABLE");
  await widget.setAvailability(123, "in_call");
  await widget.reconnect();
  await expect.poll(() => read(page)).toBe("in_call");
});

test("a reloaded frame begins with what is true by then", async ({ context, page, host }) => {
  const widget = await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available", 124: "offline" } });
  await page.goto(host.serve(taggedPage()));
  const badge = page.locator("availability-badge").first();
  await expect(badge).toHaveText("Available");
  const reloaded = page.evaluate(() => {
    const frame = document.querySelector("iframe");
    if (frame) frame.src = `${frame.src}`;
  });
  await widget.setAvailability(123, "on_a_break");
  await reloaded;
  await expect(badge).toHaveText("On a break");
});

test("a strict policy needs the lines that production needs, and no other", async ({ context, page, host }) => {
  await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available", 124: "in_call" } });
  const complaints = await collectComplaints(page);
  const { "content-security-policy": policy = "" } = headersToPaste("A page with a Content-Security-Policy", ORIGIN);
  await page.goto(
    host.serve(taggedPage(), { "content-security-policy": `${policy}; default-src 'none'; img-src data:` }),
  );
  await expect(page.locator("availability-badge")).toHaveText(["Available", "In call"]);
  expect(complaints).toEqual([]);
});

test("a widget that does not allow the page's origin does not answer", async ({ context, page, host }) => {
  await routeFakeWidget(context, ADDRESS, { allowedOrigins: ["https://other.example.com"] });
  await page.goto(host.serve(connectorPage()));
  await connectTo(page, { handshakeTimeoutMs: 400 });
  expect(await read(page)).toBe("WIDGET_UNAVAILABLE");
});

test("two vendors in one context know nothing of each other", async ({ context, page, host }) => {
  await routeFakeWidget(context, ADDRESS, { availabilities: { 123: "available" } });
  await routeFakeWidget(context, "https://other.example.com/c/acme/widget/", { availabilities: { 123: "offline" } });
  await page.goto(host.serve(connectorPage()));
  await connectTo(page);
  expect(await read(page)).toBe("available");
  await connectTo(page, { src: "https://other.example.com/c/acme/widget/" });
  expect(await read(page)).toBe("offline");
});

test("a wrong address, a wrong availability and a wrong option are named @once", async ({ context }) => {
  for (const address of ["/widget/", "https://widget.example.com/embed.js", "ftp://widget.example.com/widget/"]) {
    await expect(routeFakeWidget(context, address)).rejects.toThrow(
      `address: expected an absolute http(s) address ending in /widget/, not ${address}`,
    );
  }
  const wrong = { availabilities: { 123: "asleep" } } as never;
  await expect(routeFakeWidget(context, ADDRESS, wrong)).rejects.toThrow("availabilities.123.status: expected one of");
  await expect(routeFakeWidget(context, ADDRESS, { availability: {} } as never)).rejects.toThrow(
    "routeFakeWidget has no option availability: expected availabilities, userId, allowedOrigins",
  );
  await expect(routeFakeWidget(context, ADDRESS, { allowedOrigins: "http://localhost" } as never)).rejects.toThrow(
    'allowedOrigins: expected a list of origins, not "http://localhost"',
  );
});

test("the test connector works in a browser as in a runner of tests", async ({ page, host }) => {
  mkdirSync("node_modules/.cache", { recursive: true });
  const file = `${mkdtempSync("node_modules/.cache/kit-")}/page.js`;
  const root = process.cwd();
  writeFileSync(
    file,
    `import * as bridge from "${root}/dist/index.js";
    import * as kit from "${root}/dist/testing.js";
    import { exerciseTesting } from "${root}/e2e/consumers/sources/exercise-testing.js";
    window.result = exerciseTesting({ ...bridge, ...kit });`,
  );
  const script = await bundle(file);
  await page.goto(host.serve(`<!doctype html><title>kit</title><link rel="icon" href="data:,"><body></body>`));
  await page.addScriptTag({ type: "module", content: script });
  expect(await page.evaluate(() => Reflect.get(window, "result"))).toBe("passed");
});

// The example of the documentation is a test of its own, over the page that it opens.
documented.beforeEach(async ({ context }) => {
  const body = taggedPage().replace(/<availability-badge user-id="124">.*?>/, "");
  await context.route("http://localhost:3000/contacts/7", (route) => route.fulfill({ contentType: "text/html", body }));
});
// Each process of the runner loads this file, and finds the example at one path, whole.
const example = path.resolve("test-results/documented/contact.spec.js");
mkdirSync(path.dirname(example), { recursive: true });
const written = `${example}.${process.pid}`;
const code = exampleWith("routeFakeWidget", {
  file: "docs/test-your-integration.md",
  language: "js",
  gateway: ORIGIN,
});
writeFileSync(written, code);
renameSync(written, example);
await import(pathToFileURL(example).href);
