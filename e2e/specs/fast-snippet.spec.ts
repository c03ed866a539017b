/** The fast snippet, an inline script that mounts the iframe beside the load of `embed.js`, which takes the iframe over. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { fastSnippet, snippetCode, snippetHash } from "../fixtures/fast-snippet.ts";
import { collectComplaints, collectErrors, expect, test } from "../fixtures/fixtures.ts";
import { linesToPaste } from "../fixtures/security-page.ts";

const ASK = `(window.availabilityBridge ||= []).push(async (connector) => {
  window.connector = connector;
  const payload = { variables: { userId: 123 } };
  const { status } = await connector.request("API.FETCH_USER_AVAILABILITY", payload);
  document.title = status;
});`;

function html(tags: string, body = ""): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,"><script nonce="once">${ASK}</script>${tags}</head><body>${body}</body></html>`;
}

/** Holds the responses to an address until the returned function is called. */
async function hold(page: Page, address: string): Promise<() => void> {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(address, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** Waits until the snippet's iframe has loaded. */
async function waitForFrame(page: Page): Promise<void> {
  await page.waitForFunction(() => Reflect.has(Object(window.availabilityBridge), "loaded"));
}

/** Waits until the script has replaced the page's array by its own queue. */
async function waitForScript(page: Page): Promise<void> {
  await page.waitForFunction(() => !Array.isArray(window.availabilityBridge));
}

test("the snippet's iframe becomes that of the script, and loads once", async ({ page, host, backend }) => {
  await page.goto(host.serve(html(fastSnippet(backend.origin))));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  await expect(page.locator("iframe")).toBeHidden();
  await expect(page.locator("iframe")).toHaveAttribute("title", "Phone");
  await expect(page.locator("iframe")).toHaveAttribute("aria-hidden", "true");
  expect(backend.countLoads()).toBe(1);
});

test("a widget that was there before the script answers the script", async ({ page, host, backend }) => {
  const release = await hold(page, `${backend.origin}/embed.js`);
  await page.goto(host.serve(html(fastSnippet(backend.origin))), { waitUntil: "commit" });
  await waitForFrame(page);
  release();
  await expect(page).toHaveTitle("available");
  expect(backend.countLoads()).toBe(1);
});

test("a script that was there before the widget waits for it", async ({ page, host, backend }) => {
  const release = await hold(page, `${backend.origin}/widget/`);
  await page.goto(host.serve(html(fastSnippet(backend.origin))), { waitUntil: "commit" });
  await waitForScript(page);
  release();
  await expect(page).toHaveTitle("available");
  expect(backend.countLoads()).toBe(1);
});

test("destroy() removes the snippet's iframe", async ({ page, host, backend }) => {
  await page.goto(host.serve(html(fastSnippet(backend.origin))));
  await expect(page).toHaveTitle("available");
  await page.evaluate(() => window.connector.destroy());
  await expect(page.locator("iframe")).toHaveCount(0);
});

test("a reload of the snippet's iframe connects again", async ({ page, host, backend }) => {
  await page.goto(host.serve(html(fastSnippet(backend.origin))));
  await expect(page).toHaveTitle("available");
  await page.evaluate(async () => {
    const frame = document.querySelector("iframe");
    const isBack = new Promise<void>((resolve) => {
      window.connector.onStateChange((state) => state === "ready" && resolve());
    });
    if (frame) frame.src = `${frame.src}`;
    await isBack;
  });
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(backend.countLoads()).toBe(2);
});

test("an iframe that the page has removed before the script came is mounted again", async ({ page, host, backend }) => {
  const release = await hold(page, `${backend.origin}/embed.js`);
  await page.goto(host.serve(html(fastSnippet(backend.origin))), { waitUntil: "commit" });
  await waitForFrame(page);
  await page.evaluate(() => document.querySelector("iframe")?.remove());
  release();
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(backend.countLoads()).toBe(2);
});

test("a copy that a library has made of the snippet's iframe before the script came is removed", async ({
  page,
  host,
  backend,
}) => {
  const release = await hold(page, `${backend.origin}/embed.js`);
  await page.goto(host.serve(html(fastSnippet(backend.origin))), { waitUntil: "commit" });
  await waitForFrame(page);
  await page.evaluate(() => document.body.append(document.querySelector("iframe")?.cloneNode() ?? ""));
  await expect(page.locator("iframe")).toHaveCount(2);
  release();
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  // The copy, and not the snippet's own, which would have loaded again.
  await expect(page.locator("html > iframe")).toHaveCount(1);
});

test("two snippets have one iframe and one connector, and the second is ignored aloud if it differs", async ({
  page,
  host,
  backend,
}) => {
  const warnings: string[] = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  const same = fastSnippet(backend.origin);
  await page.goto(host.serve(html(`${same}${same}`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  expect(backend.countLoads()).toBe(1);
  expect(warnings).toEqual([]);
  await page.evaluate(
    ([code, src]) => {
      const script = document.createElement("script");
      Object.assign(script.dataset, { src, appName: "other" });
      script.text = code;
      document.head.append(script);
    },
    [snippetCode, `${backend.origin}/embed.js`] as const,
  );
  await expect.poll(() => warnings.join()).toContain("A second script tag is ignored, with its data-app-name");
  await expect(page.locator("iframe")).toHaveCount(1);
});

test("a script of another address does not take the snippet's iframe", async ({ page, host, backend, foreign }) => {
  const snippet = fastSnippet(foreign.origin);
  const tag = `<script src="${backend.origin}/embed.js"></script>`;
  await page.goto(host.serve(html(`${snippet}${tag}`)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  await expect(page.locator("iframe")).toHaveAttribute("src", `${backend.origin}/widget/`);
});

test("an iframe of the page's markup is not taken over, whatever it says of itself", async ({
  page,
  host,
  backend,
}) => {
  const markup = `<iframe id="availabilityBridge" name="frame" title="own" data-availability-bridge src="about:blank"></iframe>
    <script id="tag" type="text/plain" data-src="https://attacker.example/embed.js"></script>`;
  await page.goto(host.serve(html(`<script src="${backend.origin}/embed.js"></script>`, markup)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe[src$='/widget/']")).toHaveCount(1);
  await expect(page.locator("iframe[title=Phone]")).toHaveAttribute("src", `${backend.origin}/widget/`);
});

test("without its script the snippet leaves an invisible iframe and the page's queue, and no error of its own", async ({
  page,
  host,
  backend,
}) => {
  const errors = collectErrors(page);
  await page.route(`${backend.origin}/embed.js`, (route) => route.abort());
  await page.goto(host.serve(html(fastSnippet(backend.origin))));
  await waitForFrame(page);
  await expect(page.locator("iframe")).toBeHidden();
  expect(await page.evaluate(() => window.availabilityBridge instanceof Array)).toBe(true);
  expect(errors).toEqual([]);
});

test("data-container and data-title hold for the snippet's iframe, which loads once", async ({
  page,
  host,
  backend,
}) => {
  const attributes = 'data-container="#phone" data-title="Acme phone"';
  const body = `<div id="phone"></div>${fastSnippet(backend.origin, attributes)}`;
  await page.goto(host.serve(html("", body)));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("#phone > iframe")).toBeVisible();
  await expect(page.locator("#phone > iframe")).toHaveAttribute("title", "Acme phone");
  expect(backend.countLoads()).toBe(1);
});

test("data-container may name an element that comes after the snippet", async ({ page, host, backend }) => {
  const snippet = fastSnippet(backend.origin, 'data-container="#phone"');
  await page.goto(host.serve(html(snippet, '<div id="phone"></div>')));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  await expect(page.locator("#phone > iframe")).toBeVisible();
});

test("a container that the page replaces before the script comes takes the iframe along", async ({
  page,
  host,
  backend,
}) => {
  const release = await hold(page, `${backend.origin}/embed.js`);
  const body = `<div id="phone"></div>${fastSnippet(backend.origin, 'data-container="#phone"')}`;
  await page.goto(host.serve(html("", body)), { waitUntil: "commit" });
  await waitForFrame(page);
  await page.evaluate(() => {
    document.querySelector("#phone")?.replaceWith(Object.assign(document.createElement("section"), { id: "phone" }));
  });
  release();
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveCount(1);
  await expect(page.locator("section#phone > iframe")).toBeVisible();
});

for (const [attribute, message] of [
  ['data-container=":::"', "data-container: expected a selector"],
  ['data-timeout-ms="soon"', "data-timeout-ms: expected"],
  ['data-token-url=""', "data-token-url: expected"],
] as const) {
  test(`${attribute} at the snippet is named in an error, as at the tag`, async ({ page, host, backend }) => {
    const thrown = page.waitForEvent("pageerror");
    await page.goto(host.serve(html(fastSnippet(backend.origin, attribute))));
    expect((await thrown).message).toContain(message);
  });
}

test("a snippet without data-src says so", async ({ page, host }) => {
  const thrown = page.waitForEvent("pageerror");
  await page.goto(host.serve(html(`<script>${snippetCode}</script>`)));
  expect((await thrown).message).toContain("availability-bridge: expected data-src");
});

test("data-app-name and the query of data-src reach the widget, and an unknown attribute is named", async ({
  page,
  host,
  backend,
}) => {
  const warnings: string[] = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  const snippet = fastSnippet(backend.origin, 'data-app-name="Acme" data-colour="red"');
  await page.goto(host.serve(html(snippet.replace("embed.js", "embed.js?data-release=7"))));
  await expect(page).toHaveTitle("available");
  const registered = await page.evaluate(
    () =>
      new Promise((resolve) => {
        window.connector.observe((record) => {
          if (record.kind === "sent" && record.event.type === "BUS.REGISTER") resolve(record.event.payload);
        });
        const frame = document.querySelector("iframe");
        if (frame) frame.src = `${frame.src}`;
      }),
  );
  expect(registered).toMatchObject({ appName: "Acme", release: "7" });
  expect(warnings).toEqual([expect.stringContaining("data-colour: expected data-container")]);
});

test("an address that shows no widget is named although it has loaded before the script came", async ({
  page,
  host,
  backend,
}) => {
  const release = await hold(page, `${backend.origin}/embed.js`);
  backend.showInstead((_request, response) => void response.end("<!doctype html>nothing"));
  const warnings: string[] = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  const ask = `window.availabilityBridge = [async (connector) => {
    const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } };
    document.title = (await connector.dispatch(event, { timeoutMs: 3000 })).payload.error.message;
  }];`;
  const snippet = fastSnippet(backend.origin);
  await page.goto(host.serve(`<!doctype html><title>-</title><script>${ask}</script>${snippet}`), {
    waitUntil: "commit",
  });
  await waitForFrame(page);
  release();
  await expect(page).toHaveTitle(/the vendor allows http:\/\/localhost/);
  // The connection tried again, as after each load without a widget.
  expect(backend.countLoads()).toBeGreaterThan(1);
});

test("the published hash is that of the code, and short enough for each page", () => {
  expect(snippetHash).toBe(`sha256-${createHash("sha256").update(snippetCode).digest("base64")}`);
  expect(snippetCode.length).toBeLessThanOrEqual(700);
});

for (const [name, policy] of [
  [
    "the hash and the origin",
    (origin: string) => `script-src 'nonce-once' '${snippetHash}' ${origin}; frame-src ${origin}`,
  ],
  [
    "the hash and strict-dynamic",
    (origin: string) => `script-src 'nonce-once' '${snippetHash}' 'strict-dynamic'; frame-src ${origin}`,
  ],
] as const) {
  test(`the snippet works under a policy with ${name}, and violates nothing`, async ({ page, host, backend }) => {
    const complaints = await collectComplaints(page);
    const headers = { "content-security-policy": `default-src 'none'; img-src data:; ${policy(backend.origin)}` };
    await page.goto(host.serve(html(fastSnippet(backend.origin)), headers));
    await expect(page).toHaveTitle("available");
    expect(complaints).toEqual([]);
    expect(backend.countLoads()).toBe(1);
  });
}

test("the snippet passes its nonce on to the script and the badge", async ({ page, host, gateway }) => {
  const complaints = await collectComplaints(page);
  const headers = { "content-security-policy": "script-src 'nonce-once'" };
  const badge = '<availability-badge user-id="123"></availability-badge>';
  await page.goto(host.serve(html(fastSnippet(gateway.origin, 'nonce="once"'), badge), headers));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  expect(complaints).toEqual([]);
});

test("the snippet works under require-trusted-types-for 'script' with no policy of its own", async ({
  page,
  host,
  backend,
}) => {
  const headers = { "content-security-policy": "require-trusted-types-for 'script'; trusted-types 'none'" };
  const attributes = 'data-title="Acme phone"';
  await page.goto(host.serve(html(fastSnippet(backend.origin, attributes)), headers));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveAttribute("title", "Acme phone");
  expect(backend.countLoads()).toBe(1);
});

test("docs/add-the-badge.md has the snippet and the hash that the build has published", () => {
  const pasted = linesToPaste("The fast snippet", "https://widget.example.com");
  expect(pasted).toBe(`<script data-src="https://widget.example.com/embed.js">${snippetCode}</script>`);
  expect(readFileSync("docs/add-the-badge.md", "utf8")).toContain(`'${snippetHash}' https://widget.example.com`);
});
