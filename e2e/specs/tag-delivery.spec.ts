/** The script tag and the package as tag managers, optimisers, consent tools and micro-frontends bring them to a page. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Page } from "@playwright/test";
import { bundle } from "../../scripts/bundle.mjs";
import { ASK_123, AVAILABLE, expect, FULFILLED, stopClock } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

// Generous, because each page starts several sites, and a widget each time that it is replaced.
test.describe.configure({ timeout: 90_000 });

const BADGE = '<availability-badge user-id="123"></availability-badge>';

function html(head: string, body = BADGE): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;
}

const NOT_A_TAG = "embed.js: expected to be loaded by <script src> in the document, not as a module and not inline";

const BADGE_TAKEN = "<availability-badge> belongs to another script, or to another copy of this one";

interface Complaints {
  /** The library's lines in the console, without the reference to the documentation. */
  readonly warnings: readonly string[];
  /** Messages of uncaught errors. */
  readonly errors: readonly string[];
}

function collect(page: Page): Complaints {
  const warnings: string[] = [];
  const errors: string[] = [];
  page.on("console", (message) => {
    const [, text] = /^availability-bridge: (.*)\. See "It does not work"/.exec(message.text()) ?? [];
    if (text) warnings.push(text);
  });
  page.on("pageerror", ({ message }) => errors.push(message));
  return { warnings, errors };
}

const expectBadge = (page: Page) => expect(page.locator("availability-badge")).toHaveText("Available");

/** Inline scripts that bring the tag into the page. `SRC` is the script's address. */
const DELIVERIES = {
  "by `appendChild`, as tag managers do": `<script>
    const tag = document.createElement("script");
    tag.src = SRC;
    tag.dataset.title = "Phone of Acme";
    document.head.appendChild(tag);</script>`,
  "before the first script, and taken out as soon as it has run": `<script>
    const tag = document.createElement("script");
    tag.async = true;
    tag.src = SRC;
    tag.dataset.title = "Phone of Acme";
    tag.onload = () => tag.remove();
    const [first] = document.getElementsByTagName("script");
    first.parentNode.insertBefore(tag, first);</script>`,
  "by `document.write`": `<script>document.write('<script src="' + SRC + '" data-title="Phone of Acme"><\\/script>');</script>`,
  "with the type `text/plain` until the visitor consents": `
    <script type="text/plain" data-category="functional" async src="SRC_TEXT" data-title="Phone of Acme"></script><script>
    addEventListener("load", () => {
      const waiting = document.querySelector('script[type="text/plain"]');
      const tag = document.createElement("script");
      for (const { name, value } of waiting.attributes) {
        if (name !== "type" && name !== "data-category") tag.setAttribute(name, value);
      }
      waiting.replaceWith(tag);
    });</script>`,
  "with its address in another attribute until the first touch of the page": `
    <script type="lazyload" async data-src="SRC_TEXT" data-title="Phone of Acme"></script><script>
    addEventListener("click", () => {
      const waiting = document.querySelector("[data-src]");
      const tag = document.createElement("script");
      tag.src = waiting.dataset.src;
      tag.dataset.title = waiting.dataset.title;
      waiting.replaceWith(tag);
    });
    addEventListener("load", () => document.body.click());</script>`,
  "with `defer`": `<script defer src="SRC_TEXT" data-title="Phone of Acme"></script>`,
} as const;

for (const [how, code] of Object.entries(DELIVERIES)) {
  test(`a tag that comes ${how} works with its settings`, async ({ page, host, gateway }) => {
    const complaints = collect(page);
    const src = `${gateway.origin}/embed.js`;
    await page.goto(host.serve(html(code.replaceAll("SRC_TEXT", src).replaceAll("SRC", JSON.stringify(src)))));
    await expectBadge(page);
    await expect(page.locator("iframe")).toHaveAttribute("title", "Phone of Acme");
    expect(complaints).toEqual({ warnings: [], errors: [] });
  });
}

test("a tag that a tag manager has made anew with `src` alone takes its settings from the query", async ({
  page,
  host,
  backend,
}) => {
  const complaints = collect(page);
  const query = new URLSearchParams({
    v: "3",
    "data-container": "#phone",
    "data-title": "Of the query",
    "data-app-name": "Acme CRM",
    utm_source: "tag-manager",
  });
  await page.goto(
    host.serve(
      html(
        "",
        `<div id="phone"></div>
        <script src="${backend.origin}/embed.js?${query}"></script>`,
      ),
    ),
  );
  await expect(page.locator("#phone > iframe")).toHaveAttribute("title", "Of the query");
  await expect(page.locator("#phone > iframe")).toHaveAttribute("src", `${backend.origin}/widget/`);
  const answer = await page.evaluate(
    (event) =>
      new Promise((resolve) => {
        (window.availabilityBridge ??= []).push((connector) => resolve(connector.dispatch(event)));
      }),
    ASK_123,
  );
  expect(answer).toEqual(FULFILLED);
  expect(complaints).toEqual({ warnings: [], errors: [] });
});

test("a misspelt setting in the query is named, as a misspelt attribute is", async ({ page, host, gateway }) => {
  const { warnings } = collect(page);
  await page.goto(host.serve(html(`<script src="${gateway.origin}/embed.js?data-contaner=%23phone"></script>`)));
  await expectBadge(page);
  expect(warnings).toEqual([expect.stringMatching(/^data-contaner: expected data-container, data-title, /)]);
});

test("a token's address in the query is asked for tokens", async ({ page, host, backend }) => {
  const tokenUrl = host.serve('{"token":"token-of-the-page"}', { "content-type": "application/json" });
  const query = new URLSearchParams({ "data-token-url": new URL(tokenUrl).pathname });
  await page.goto(host.serve(html(`<script src="${backend.origin}/embed.js?${query}"></script>`)));
  await expect.poll(() => backend.calls[0]?.headers.authorization).toBe("Bearer token-of-the-page");
});

for (const [how, tag] of [
  ["inlined by an optimiser", (code: string) => `<script>${code.replaceAll("</script", "<\\/script")}</script>`],
  [
    "run by `eval`, as old jQuery does",
    (code: string) => `<script>(0, eval)(${JSON.stringify(code).replaceAll("<", "\\u003c")})</script>`,
  ],
  ["loaded as a module", (_code: string, src: string) => `<script type="module" crossorigin src="${src}"></script>`],
] as const) {
  test(`a script that is ${how} says in one error how it has to be loaded, and the page goes on`, async ({
    page,
    host,
    gateway,
  }) => {
    const complaints = collect(page);
    const src = `${gateway.origin}/embed.js`;
    const code = await (await fetch(src)).text();
    await page.goto(host.serve(html(`${tag(code, src)}<script>document.title = "goes on"</script>`)));
    await expect.poll(() => complaints.errors).toEqual([NOT_A_TAG]);
    await expect(page).toHaveTitle("goes on");
    await expect(page.locator("iframe")).toHaveCount(0);
  });
}

test("a script that is combined with others at the page's own site says once that the widget is not beside it", async ({
  page,
  host,
  gateway,
}) => {
  const complaints = collect(page);
  const code = await (await fetch(`${gateway.origin}/embed.js`)).text();
  const combined = host.serve(`var before = 1;\n${code}\n;var after = 2;`, { "content-type": "text/javascript" });
  await stopClock(page);
  await page.goto(host.serve(html(`<script src="${combined}"></script>`, "")));
  await page.clock.runFor(60_000);
  await expect
    .poll(() => complaints.warnings.filter((text) => text.startsWith("No widget")))
    .toEqual([expect.stringMatching(/ The widget's address comes from the script's own$/)]);
  expect(await page.evaluate(() => Reflect.get(window, "after"))).toBe(2);
  expect(complaints.errors).toEqual([]);
});

test("of two tags, of the latest release and of a pinned one, the first serves the page, and the console says so once", async ({
  page,
  host,
  gateway,
}) => {
  const complaints = collect(page);
  const { version }: { version: string } = await (await fetch(`${gateway.origin}/openapi.json`))
    .json()
    .then(({ info }) => info);
  const pinned = `<script src="${gateway.origin}/embed-${version}.js"></script>`;
  await page.goto(host.serve(html(`<script src="${gateway.origin}/embed.js"></script>${pinned}${pinned}`)));
  await expectBadge(page);
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(complaints).toEqual({ warnings: ["A second script tag is ignored, with its src"], errors: [] });
});

test("two bundles with copies of the package: both connectors answer, the first has the badges, and the console says so once", async ({
  page,
  host,
  gateway,
}, testInfo) => {
  const complaints = collect(page);
  const entry = testInfo.outputPath("bundle.js");
  await writeFile(
    entry,
    `export { connect } from ${JSON.stringify(path.resolve("dist/index.js"))};
    export { defineAvailabilityBadge } from ${JSON.stringify(path.resolve("dist/badge.js"))};`,
  );
  const code = await bundle(entry, { format: "es" });
  const bundles = ["sales", "support"].map(() => host.serve(code, { "content-type": "text/javascript" }));
  await page.goto(host.serve(html("")));
  const answers = await page.evaluate(
    async ([src, addresses]) => {
      const asked: Promise<unknown>[] = [];
      for (const address of addresses) {
        const { connect, defineAvailabilityBadge }: typeof import("../../host/index.ts") = await import(address);
        const connector = connect({ src });
        defineAvailabilityBadge(connector);
        defineAvailabilityBadge(connector);
        asked.push(connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }));
      }
      return Promise.all(asked);
    },
    [`${gateway.origin}/widget/`, bundles] as const,
  );
  expect(answers).toEqual([expect.objectContaining({ userId: 123 }), expect.objectContaining({ userId: 123 })]);
  await expectBadge(page);
  await expect(page.locator("iframe")).toHaveCount(2);
  expect(complaints).toEqual({ warnings: [BADGE_TAKEN], errors: [] });
});

test("a page with an own element of the badge's name keeps it, and the console says once whose it is", async ({
  page,
  host,
  backend,
}) => {
  const complaints = collect(page);
  const own = `<script>customElements.define("availability-badge", class extends HTMLElement {
    connectedCallback() { this.textContent = "of the page"; }
  });</script>`;
  const ask = `<script>window.availabilityBridge.push(async (connector) => {
    document.title = (await connector.dispatch(${JSON.stringify(ASK_123)})).payload.status;
  });</script>`;
  await page.goto(host.serve(html(`${own}<script src="${backend.origin}/embed.js"></script>${ask}`)));
  await expect(page).toHaveTitle(AVAILABLE.body.status);
  await expect(page.locator("availability-badge")).toHaveText("of the page");
  expect(complaints).toEqual({
    warnings: [BADGE_TAKEN],
    errors: [],
  });
});

test("an image named `currentScript` is not taken for the tag: the script says in one error how it has to be loaded", async ({
  page,
  host,
  foreign,
  gateway,
}) => {
  const complaints = collect(page);
  const image = `<img alt="" name="currentScript" src="${foreign.origin}/embed.js">`;
  await page.goto(host.serve(html("", `${image}<script src="${gateway.origin}/embed.js"></script>`)));
  await expect.poll(() => complaints.errors).toEqual([NOT_A_TAG]);
  await expect(page.locator("iframe")).toHaveCount(0);
});

/** Elements and variables of a page whose names a script may take for the browser's own. */
const NAMESAKES = {
  "iframes named `head` and `body`": '<iframe name="head"></iframe><iframe name="body"></iframe>',
  "an iframe named `hidden`": '<iframe name="hidden"></iframe>',
  "forms named `head`, `body` and `title`":
    '<form name="head"></form><form name="body"></form><form name="title"></form>',
  "two images named `body`": '<img alt="" name="body"><img alt="" name="body">',
  "elements with the ids of our names":
    '<p id="availabilityBridge"></p><p id="connect"></p><p id="connector"></p><p id="penpal"></p><p id="origin"></p>',
  "variables of our names":
    "<script>var connect = 1, connector = 2, penpal = 3, Phone = 4, embed = 5; var name = 'crm'; function push() {}</script>",
  "a variable `origin` that is a city": '<script>var origin = "Berlin";</script>',
  "a variable `origin` that is a place on a map": "<script>var origin = { lat: 52.5, lng: 13.4 };</script>",
  "a variable `self` that is a model": "<script>var self = { rows: [] };</script>",
  "a window name and a `<base>` of another site":
    '<script>window.name = "[object Object]"</script><base href="https://cdn.example.com/">',
} as const;

for (const [what, body] of Object.entries(NAMESAKES)) {
  test(`a page with ${what} shows the badge`, async ({ page, host, gateway }) => {
    const complaints = collect(page);
    const tag = `<script src="${gateway.origin}/embed.js"></script>`;
    await page.goto(host.serve(html("", `${body}${tag}${BADGE}`)));
    await expectBadge(page);
    expect(complaints).toEqual({ warnings: [], errors: [] });
  });
}

test("a page with a variable `performance` gets one error that names it, and goes on", async ({
  page,
  host,
  gateway,
}) => {
  const complaints = collect(page);
  const tag = `<script src="${gateway.origin}/embed.js"></script>`;
  const script = "<script>var performance = [12, 14];</script>";
  await page.goto(host.serve(html("", `${script}${tag}<script>document.title = "goes on"</script>`)));
  await expect.poll(() => complaints.errors).toEqual(["performance.now is not a function"]);
  await expect(page).toHaveTitle("goes on");
  await expect(page.locator("iframe")).toHaveCount(0);
});
