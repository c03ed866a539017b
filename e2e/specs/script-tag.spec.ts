/** The script tag as an administrator pastes it. */
import type { Page } from "@playwright/test";
import { collectErrors, expect } from "../fixtures/fixtures.ts";
import { startPrefixProxy } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

const ASK = `(window.availabilityBridge ||= []).push(async (connector) => {
  const payload = { variables: { userId: 123 } };
  const { status } = await connector.request("API.FETCH_USER_AVAILABILITY", payload);
  document.title = status;
});`;

function html(head: string, body = ""): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;
}

async function expectPageError(page: Page, address: string, message: string): Promise<void> {
  const thrown = page.waitForEvent("pageerror");
  await page.goto(address);
  expect((await thrown).message).toContain(message);
}

test("the async script tag serves callbacks pushed before it loaded", async ({ page, host, backend }) => {
  await page.goto(host.serve(html(`<script async src="${backend.origin}/embed.js"></script><script>${ASK}</script>`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toBeHidden();
});

test("the queue runs callbacks in order, pushed before and after loading", async ({ page, host, backend }) => {
  const early = `window.order = []; window.availabilityBridge = [() => order.push("first"), () => order.push("second")];`;
  const tag = `<script async src="${backend.origin}/embed.js"></script>`;
  await page.goto(host.serve(html(`<script>${early}</script>${tag}`)));
  await page.evaluate(() => {
    const order: string[] = Reflect.get(window, "order");
    window.availabilityBridge?.push(
      () => order.push("third"),
      () => order.push("fourth"),
    );
    order.push("after the push");
  });
  const order = await page.evaluate(() => Reflect.get(window, "order"));
  expect(order).toEqual(["first", "second", "third", "fourth", "after the push"]);
});

test("a callback that throws does not hold up the next one", async ({ page, host, backend }) => {
  const early = `window.availabilityBridge = [() => { throw new Error("my mistake"); }]; ${ASK}`;
  const address = host.serve(html(`<script>${early}</script><script async src="${backend.origin}/embed.js"></script>`));
  await expectPageError(page, address, "my mistake");
  await expect(page).toHaveTitle("available");
});

test("a second copy of the script is harmless", async ({ page, host, backend }) => {
  const tag = `<script async src="${backend.origin}/embed.js"></script>`;
  const errors: Error[] = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.goto(host.serve(html(`${tag}${tag}<script>${ASK}</script>`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(errors).toEqual([]);
});

/** `Array.from` as Prototype.js 1.7.3 replaces it: returns an empty list for a set. */
const PROTOTYPE_JS = `<script>Array.from = function $A(iterable) {
  if (!iterable) return [];
  if ("toArray" in Object(iterable)) return iterable.toArray();
  var length = iterable.length || 0, results = new Array(length);
  while (length--) results[length] = iterable[length];
  return results;
};</script>`;

test("a badge shows its agent on a page with Prototype.js", async ({ page, host, gateway }) => {
  const tag = `<script async src="${gateway.origin}/embed.js"></script>`;
  const badge = '<availability-badge user-id="123"></availability-badge>';
  await page.goto(host.serve(html(`${PROTOTYPE_JS}${tag}`, badge)));
  await expect(page.locator("availability-badge")).toHaveText("Available");
});

test("data-container shows the widget in the named element", async ({ page, host, backend }) => {
  const tag = `<script async src="${backend.origin}/embed.js" data-container="#phone" data-title="Acme phone"></script>`;
  await page.goto(host.serve(html("", `<div id="phone"></div>${tag}<script>${ASK}</script>`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("#phone > iframe")).toBeVisible();
  await expect(page.locator("#phone > iframe")).toHaveAttribute("title", "Acme phone");
});

test("data-container may name an element that comes after the tag", async ({ page, host, backend }) => {
  const tag = `<script src="${backend.origin}/embed.js" data-container="#phone"></script>`;
  await page.goto(host.serve(html(`${tag}<script>${ASK}</script>`, '<div id="phone"></div>')));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("#phone > iframe")).toBeVisible();
});

test("data-container may name an element that the page's own code makes later, and the queue is served then", async ({
  page,
  host,
  backend,
}) => {
  const errors = collectErrors(page);
  const tag = `<script async src="${backend.origin}/embed.js" data-container="#phone"></script>`;
  await page.goto(host.serve(html(`${tag}<script>${ASK}</script>`)));
  await page.evaluate(() => document.body.append(document.createElement("section")));
  expect(await page.locator("iframe").count()).toBe(0);
  // A framework may insert an element before it gives it the id.
  await page.evaluate(() => document.querySelector("section")?.setAttribute("id", "phone"));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("#phone > iframe")).toBeVisible();
  await page.evaluate(() => document.body.append(document.createElement("section")));
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(errors).toEqual([]);
});

test("an element with the id availabilityBridge is not taken for the queue of an earlier script", async ({
  page,
  host,
  backend,
}) => {
  const tag = `<script src="${backend.origin}/embed.js"></script>`;
  // The name `push` makes the form's `push` its field.
  const form = '<form id="availabilityBridge"><input name="push"></form>';
  await page.goto(host.serve(html("", `${form}${tag}<script>${ASK}</script>`)));
  await expect(page).toHaveTitle("available");
});

test("data-timeout-ms bounds the page's requests", async ({ page, host, backend }) => {
  backend.answerWith({ hangs: true });
  const tag = `<script async src="${backend.origin}/embed.js" data-timeout-ms="300"></script>`;
  const ask = `window.availabilityBridge = [async (connector) => {
    await connector.ready;
    const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } };
    document.title = (await connector.dispatch(event)).payload.error.message;
  }];`;
  await page.goto(host.serve(html(`<script>${ask}</script>${tag}`)));
  await expect(page).toHaveTitle(/ within 300 ms$/);
});

for (const selector of [":::", ""]) {
  test(`a data-container of "${selector}" is named in an error`, async ({ page, host, backend }) => {
    const tag = `<script async src="${backend.origin}/embed.js" data-container="${selector}"></script>`;
    await expectPageError(
      page,
      host.serve(html(tag)),
      "data-container: expected a selector of an element of this page, such as #phone, not ",
    );
  });
}

for (const text of ["soon", "-1", "1.5", "", "0", "120001"]) {
  test(`a data-timeout-ms of "${text}" is named in an error`, async ({ page, host, backend }) => {
    const tag = `<script async src="${backend.origin}/embed.js" data-timeout-ms="${text}"></script>`;
    await expectPageError(page, host.serve(html(tag)), "data-timeout-ms: expected");
  });
}

test("the widget is found beside the script under a path of the operator's own", async ({ page, host, backend }) => {
  const proxy = await startPrefixProxy(backend.origin, "/phone/v2");
  await page.goto(host.serve(html(`<script async src="${proxy.base}/embed.js"></script><script>${ASK}</script>`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveAttribute("src", `${proxy.base}/widget/`);
  await proxy.close();
});
