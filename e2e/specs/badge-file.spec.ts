/** The badge's file, loaded by the script tag with the first badge of the page. */
import { readdirSync } from "node:fs";
import type { Page } from "@playwright/test";
import { collectComplaints, collectErrors, collectWarnings, expect, stopClock, test } from "../fixtures/fixtures.ts";

const [BADGE_FILE = "none"] = readdirSync("dist").filter((name) => name.startsWith("embed-badge-"));

const BADGE = '<availability-badge user-id="123">…</availability-badge>';

/** Text of the filled badge for Playwright: the markup's text, hidden by then, and the shadow root's text. */
const FILLED = "…Available";

function html(origin: string, body = ""): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,">
    <script async nonce="once" src="${origin}/embed.js"></script></head><body>${body}</body></html>`;
}

/** Records the requests of a page for the badge's file. */
function recordBadgeRequests(page: Page): readonly string[] {
  const requests: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("embed-badge")) requests.push(request.url());
  });
  return requests;
}

const tagHasRun = (page: Page) =>
  page.evaluate(async () => void (await customElements.whenDefined("availability-badge")));

/** Adds a badge to the page. */
function addBadge(page: Page, inShadowRoot = false): Promise<void> {
  return page.evaluate((shadow) => {
    const badge = document.createElement("availability-badge");
    badge.setAttribute("user-id", "123");
    const parent = document.body.appendChild(document.createElement("div"));
    (shadow ? parent.attachShadow({ mode: "open" }) : parent).append(badge);
  }, inShadowRoot);
}

test("a page without a badge never requests the badge's file", async ({ page, host, gateway }) => {
  const requests = recordBadgeRequests(page);
  await page.goto(host.serve(html(gateway.origin, "<p>No badge</p>")));
  await tagHasRun(page);
  await page.evaluate(async () => {
    await new Promise((resolve) => {
      window.availabilityBridge?.push((connector) => connector.ready.then(resolve));
    });
    document.body.append(document.createElement("section"));
    // A badge outside the page shows nothing.
    document.createElement("availability-badge").setAttribute("user-id", "123");
  });
  expect(requests).toEqual([]);
});

for (const [what, body, expectsMore] of [
  ["without a badge stops", "", false],
  ["with a badge goes on", BADGE, true],
] as const) {
  test(`a page ${what} to look for a widget after \`ready\` has rejected`, async ({ page, host, backend }) => {
    backend.showInstead((_request, response) => void response.writeHead(404).end());
    await stopClock(page);
    await page.addInitScript(() => {
      const countFrames = (records: readonly MutationRecord[]): void => {
        const added = records.flatMap(({ addedNodes }) => [...addedNodes]);
        mounted += added.filter((node) => node instanceof HTMLIFrameElement).length;
      };
      let mounted = 0;
      new MutationObserver(countFrames).observe(document, { childList: true, subtree: true });
      Object.assign(window, { countMounted: () => mounted });
    });
    const countMounted = (): Promise<number> => page.evaluate(() => Reflect.get(window, "countMounted")());
    await page.goto(host.serve(html(backend.origin, body)));
    await tagHasRun(page);
    if (expectsMore) await expect(page.locator("availability-badge")).toHaveAttribute("data-state", /./);
    await page.clock.runFor(30_000);
    const atFirst = await countMounted();
    expect(atFirst).toBeGreaterThan(0);
    await page.clock.runFor(120_000);
    if (expectsMore) expect(await countMounted()).toBeGreaterThan(atFirst);
    else expect(await countMounted()).toBe(atFirst);
  });
}

for (const inShadowRoot of [false, true]) {
  test(`the first badge loads the file, and the next ones do not, ${inShadowRoot ? "in shadow roots" : "in the page"}`, async ({
    page,
    host,
    gateway,
  }) => {
    const requests = recordBadgeRequests(page);
    await page.goto(host.serve(html(gateway.origin)));
    await tagHasRun(page);
    expect(requests).toEqual([]);
    await addBadge(page, inShadowRoot);
    await addBadge(page, inShadowRoot);
    await expect(page.locator("availability-badge")).toHaveText(["Available", "Available"]);
    await addBadge(page, inShadowRoot);
    await expect(page.locator("availability-badge")).toHaveText(["Available", "Available", "Available"]);
    expect(requests).toEqual([expect.stringContaining(`${gateway.origin}/${BADGE_FILE}`)]);
  });
}

test("dots and pills in English need one file, and the first full badge, or one in another language, one more", async ({
  page,
  host,
  gateway,
}) => {
  const requests: string[] = [];
  page.on("request", (request) => {
    const [, name] = /embed-(\w+)-/.exec(request.url()) ?? [];
    // A preload and the import that takes it are one file.
    if (name && requests.at(-1) !== name) requests.push(name);
  });
  await page.goto(
    host.serve(html(gateway.origin, `${BADGE}<availability-badge user-id="101" variant="dot"></availability-badge>`)),
  );
  await expect(page.locator("availability-badge").first()).toHaveText(FILLED);
  await expect(page.locator('[variant="dot"]')).toHaveAttribute("data-state", /^(?!loading)./);
  expect(requests).toEqual(["badge"]);
  await page
    .locator("availability-badge")
    .first()
    .evaluate((badge) => badge.setAttribute("variant", "full"));
  await expect.poll(() => requests).toEqual(["badge", "extras"]);
  await page.locator('[variant="dot"]').evaluate((badge) => {
    badge.setAttribute("lang", "fr");
    badge.setAttribute("variant", "pill");
  });
  await expect.poll(() => requests).toEqual(["badge", "extras", "language"]);
  await expect(page.locator('[lang="fr"]')).toHaveText(/\S/);
});

test("extras that have been tampered with do not run, and badges that need none are as they were", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  await page.route(/embed-extras/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `document.title = "tampered"; ${await response.text()}` });
  });
  const full = '<availability-badge user-id="101" variant="full">Anna</availability-badge>';
  await page.goto(host.serve(html(gateway.origin, `${BADGE}${full}`)));
  await expect.poll(() => warnings).toEqual([expect.stringContaining("embed-extras")]);
  await expect(page).toHaveTitle("-");
  await expect(page.locator("availability-badge")).toHaveText([FILLED, "Anna"]);
  await expect(page.locator('[variant="full"]')).toHaveAttribute("data-state", /^(?!loading)./);
});

test("a badge that leaves before the file has come, and one whose user-id changes, are as the page has them at last", async ({
  page,
  host,
  gateway,
}) => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/embed-badge/, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(host.serve(html(gateway.origin, `${BADGE}${BADGE}`)));
  await tagHasRun(page);
  await page.evaluate(() => {
    const [first, second] = document.querySelectorAll("availability-badge");
    first?.remove();
    second?.setAttribute("user-id", "102");
  });
  release();
  await expect(page.locator("availability-badge")).toHaveAttribute("data-state", /^(?!loading)./);
  await expect(page.locator("availability-badge")).not.toHaveText(FILLED);
});

test("a page that cannot load the file has one line in the console and its own text, and gets the badge when the file comes", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const requests = recordBadgeRequests(page);
  await page.route(/embed-badge/, (route) => route.abort());
  await page.goto(host.serve(html(gateway.origin, BADGE)));
  await expect.poll(() => requests.length).toBeGreaterThan(1);
  await expect(page.locator("availability-badge")).toHaveText("…");
  expect(warnings).toEqual([
    `availability-bridge: The file ${gateway.origin}/${BADGE_FILE} could not be loaded. Check that this page's CSP has` +
      ' the address in script-src, and that it can be reached unchanged. See "It does not work" in the documentation',
  ]);
  await page.unroute(/embed-badge/);
  await expect(page.locator("availability-badge")).toHaveText(FILLED);
  expect(warnings).toHaveLength(1);
});

/** Makes the page's browser one that knows no `modulepreload`. */
const forgetPreload = (page: Page): Promise<unknown> =>
  page.addInitScript(() => Object.assign(DOMTokenList.prototype, { supports: () => false }));

test("a browser without modulepreload gets the badge as well", async ({ page, host, gateway }) => {
  await forgetPreload(page);
  await page.goto(host.serve(html(gateway.origin, BADGE)));
  await expect(page.locator("availability-badge")).toHaveText(FILLED);
  await expect(page.locator(`script[src*="${BADGE_FILE}"]`)).toHaveCount(1);
});

test("a badge that throws is reported as its own error, and not as a file that could not be loaded, and the next badge is filled", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const requests = recordBadgeRequests(page);
  const errors = collectErrors(page);
  const script = `<script>document.querySelector("availability-badge").attachShadow = () => {
    throw new Error("no shadow root for this badge");
  };</script>`;
  await page.goto(host.serve(html(gateway.origin, `${BADGE}${script}${BADGE}`)));
  await expect(page.locator("availability-badge")).toHaveText(["…", FILLED]);
  expect([errors, warnings, requests.length]).toEqual([["no shadow root for this badge"], [], 1]);
});

for (const prepare of [async () => {}, forgetPreload]) {
  test(`a file that has been tampered with does not run${prepare === forgetPreload ? " in a browser without modulepreload" : ""}`, async ({
    page,
    host,
    gateway,
  }) => {
    await prepare(page);
    const warnings = collectWarnings(page);
    await page.route(/embed-badge/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `document.title = "tampered"; ${await response.text()}` });
    });
    await page.goto(host.serve(html(gateway.origin, BADGE)));
    await expect.poll(() => warnings).toEqual([expect.stringContaining("could not be loaded")]);
    await expect(page).toHaveTitle("-");
    await expect(page.locator("availability-badge")).toHaveText("…");
  });
}

for (const scriptSource of ["'nonce-once'", "'nonce-once' 'strict-dynamic'"]) {
  test(`a badge shows its agent under script-src ${scriptSource}, with and without trusted types`, async ({
    page,
    host,
    gateway,
  }) => {
    const complaints = await collectComplaints(page);
    for (const more of ["", "; require-trusted-types-for 'script'; trusted-types 'none'"]) {
      const policy = `default-src 'none'; img-src data:; frame-src ${gateway.origin}; script-src ${scriptSource}${more}`;
      await page.goto(host.serve(html(gateway.origin, BADGE), { "content-security-policy": policy }));
      await expect(page.locator("availability-badge")).toHaveText(FILLED);
    }
    expect(complaints).toEqual([]);
  });
}

test("the file is served as unchanging, to pages of any origin", async ({ request, gateway }) => {
  const headers = (await request.get(`${gateway.origin}/${BADGE_FILE}`)).headers();
  expect(headers).toMatchObject({
    "cache-control": "public, max-age=31536000, immutable",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
});
