/** The documentation's site as `npm start` serves it, after `npm run docs:build`. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { readSections } from "../../docs/site/sections.ts";
import { collectComplaints, expect, test } from "../fixtures/fixtures.ts";

const SITE = "docs/.vitepress/dist";

test.beforeAll(() => {
  if (!existsSync(`${SITE}/index.html`)) throw new Error("The site is not built: run `npm run docs:build`");
});

const SECTIONS = readSections(readFileSync("docs/README.md", "utf8"));

/** Opens a page of the site, and waits until its scripts run: VitePress then takes clicks itself. */
async function open(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction(() => Reflect.has(document.querySelector("#app") ?? {}, "__vue_app__"));
}

test("the sidebar has each page of docs/README.md, under its reader @once", async ({ page, demoAddress }) => {
  await open(page, `${demoAddress}/docs/redis.html`);
  const sidebar = page.getByRole("navigation", { name: "Sidebar" });
  for (const { title, pages } of SECTIONS) {
    const section = sidebar.locator("section").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
    await expect(section.getByRole("link")).toHaveText(pages.map((listed) => listed.title));
  }
});

test("the home page leads each reader to the first page @once", async ({ page, demoAddress }) => {
  await open(page, `${demoAddress}/docs/`);
  const [section] = SECTIONS;
  const title = page.getByRole("heading", { name: section?.title ?? "" });
  await page.getByRole("link").filter({ has: title }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(section?.pages[0]?.title ?? "");
});

test("loads nothing from another host, and violates no line of its policy, from page to page @once", async ({
  page,
  demoAddress,
}) => {
  const complaints = await collectComplaints(page);
  const foreign: string[] = [];
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== demoAddress) foreign.push(request.url());
  });
  await open(page, `${demoAddress}/docs/`);
  const policy = page.locator('meta[http-equiv="Content-Security-Policy"]');
  await expect(policy).toHaveAttribute(
    "content",
    /^default-src 'none'; script-src 'self' 'sha256-[^;]+; style-src 'self';/,
  );
  await expect(policy).not.toHaveAttribute("content", /'unsafe-(?:inline|eval)'/);
  await open(page, `${demoAddress}/docs/repository/README.html`);
  // Within the site: Vue writes the next page into the document, under the first one's policy.
  for (const file of ["benchmarks", "use-the-connector", "run-the-gateway", "add-the-badge"]) {
    await page.locator(`.VPSidebar a[href="/docs/${file}.html"]`).click();
    await expect(page).toHaveURL(`${demoAddress}/docs/${file}.html`);
    await expect(page.locator(".vp-doc h1")).toBeVisible();
  }
  expect(foreign).toEqual([]);
  expect(complaints).toEqual([]);
});

test("a link into the repository leads to a page with the file @once", async ({ page, demoAddress }) => {
  await open(page, `${demoAddress}/docs/deploy.html`);
  await page.locator('.vp-doc a[href$="gateway/deploy/nginx.conf.html"]').first().click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("gateway/deploy/nginx.conf");
  await expect(page.locator(".vp-doc pre")).toContainText("proxy_pass");
});

test("the search is used by the keyboard alone @once", async ({ page, demoAddress }) => {
  await open(page, `${demoAddress}/docs/`);
  await page.keyboard.press("Control+k");
  const field = page.getByRole("searchbox");
  await expect(field).toBeFocused();
  await page.keyboard.type("several gateways over one Redis");
  const results = page.getByRole("option");
  await expect(results.first()).toContainText("Redis");
  await expect(results.first()).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowDown");
  await expect(results.nth(1)).toHaveAttribute("aria-selected", "true");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/docs\/redis\.html/);
  await page.keyboard.press("/");
  await expect(field).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(field).toHaveCount(0);
});

test("the API reference has each export of each entry, with its doc comment @once", async ({ page, demoAddress }) => {
  const exported = [
    ["availability-bridge", "host/index.ts"],
    ["availability-bridge/inspector", "host/inspector.ts"],
  ] as const;
  for (const [name, source] of exported) {
    await open(page, `${demoAddress}/docs/api/${name}.html`);
    const headings = await page.locator(".vp-doc h3").allTextContents();
    const names = headings.map((text) => /^(?:abstract )?(\w+)/.exec(text)?.[1]);
    expect(exportsOf(source).filter((each) => !names.includes(each))).toEqual([]);
  }
  await open(page, `${demoAddress}/docs/api/availability-bridge.html`);
  await expect(page.locator(".vp-doc")).toContainText("The widget's absolute http(s) address, ending in /widget/");
});

/** Returns the names that a file exports by `export { … } from`. */
function exportsOf(source: string): readonly string[] {
  const lists = readFileSync(source, "utf8").matchAll(/^export (?:type )?\{([^}]+)\}/gm);
  return Array.from(lists, ([, list = ""]) => list.split(","))
    .flat()
    .map((name) => name.replace("type ", "").trim())
    .filter((name) => name !== "");
}

test("the playground is the live demo, in the page @once", async ({ page, demoAddress }) => {
  await open(page, `${demoAddress}/docs/playground.html`);
  const demo = page.frameLocator('iframe[title="Playground"]');
  await expect(demo.getByRole("status", { name: "Connection" })).toHaveText("Ready");
  await demo.getByRole("button", { name: "Agent 123", exact: true }).click();
  await expect(demo.locator("#result-card")).toHaveAttribute("data-tone", "available");
});

test("the playground says how to start the demo on a server without it @once", async ({ page, demoAddress }) => {
  // A server of static files: it has no such route.
  await page.route("**/demo/gateway", (route) => route.fulfill({ status: 404, body: "Not found" }));
  await open(page, `${demoAddress}/docs/playground.html`);
  await expect(page.getByRole("status")).toContainText("npm run docs:build && npm start");
  await expect(page.locator("iframe")).toHaveCount(0);
});

/** Fails with each violation of a page, as `rule: elements`. */
async function scan(page: Page): Promise<void> {
  // The scanner's types come from its own Playwright version, whose page type is compatible only at run time.
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  expect(found, page.url()).toEqual([]);
}

/** One page of each kind: the home page, a page with an element of the site's own, code with tables, the API reference. */
const SCANNED = ["", "playground.html", "tokens.html", "api/availability-bridge/inspector.html"];

for (const colorScheme of ["light", "dark"] as const) {
  test(`has no accessibility violations in ${colorScheme} @once`, async ({ page, demoAddress }) => {
    // The scanner looks at each of some thousand elements.
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The demo has tests of its own.
    await page.route("**/demo/gateway", (route) => route.fulfill({ status: 404, body: "Not found" }));
    for (const file of SCANNED) {
      await open(page, `${demoAddress}/docs/${file}`);
      await scan(page);
    }
    await page.keyboard.press("Control+k");
    await page.getByRole("searchbox").fill("redis");
    await expect(page.getByRole("option").first()).toBeVisible();
    await scan(page);
  });
}

test("does not scroll sideways on a screen of 360 pixels @once", async ({ page, demoAddress }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const file of ["", "benchmarks.html", "api/availability-bridge.html"]) {
    await open(page, `${demoAddress}/docs/${file}`);
    const [content, room] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    expect(content, file).toBe(room);
  }
});

test("says that a page does not exist, with status 404 @once", async ({ page, demoAddress }) => {
  const response = await page.goto(`${demoAddress}/docs/gone.html`);
  expect(response?.status()).toBe(404);
  await expect(page.getByText("PAGE NOT FOUND")).toBeVisible();
});

test("neither the gateway nor a published package has the site @once", async ({ gateway, request }) => {
  expect((await request.get(`${gateway.origin}/docs/`)).status()).toBe(404);
  for (const folder of [".", "gateway"]) {
    const output = execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: folder, encoding: "utf8" });
    const [packed]: readonly { readonly files: readonly { readonly path: string }[] }[] = JSON.parse(output);
    const files = packed?.files.map((file) => file.path) ?? [];
    expect(files.length).toBeGreaterThan(10);
    expect(files.filter((file) => /vitepress|docs\/(?!.*\.md$)|docs\/site/.test(file))).toEqual([]);
  }
  // Else the last lines could not fail.
  expect(readdirSync(SITE)).toContain("index.html");
});
