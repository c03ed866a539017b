/**
 * Pages with the strictest policies of their own: the lines of docs/add-the-badge.md are sufficient, and each line is
 * necessary.
 */
import type { Page } from "@playwright/test";
import { ASK_123, collectComplaints, connectorPage, expect, FULFILLED, test } from "../fixtures/fixtures.ts";
import { type HostSite, startPrefixProxy } from "../fixtures/host-site.ts";
import { headersToPaste, linesToPaste } from "../fixtures/security-page.ts";

/** A page's policy: the sources of the widget, the sources of the test's page, and no others. */
function policy(origin: string): readonly string[] {
  const { "content-security-policy": pasted = "" } = headersToPaste("A page with a Content-Security-Policy", origin);
  return [...pasted.split("; "), "default-src 'none'", "img-src data:"];
}

/**
 * Time to wait for a blocked widget, in milliseconds. An allowed widget has the whole time of the test, for busy
 * machines.
 */
const IN_VAIN_MS = 1_000;

/** A page with the script tag, whose title becomes the agent's status, or the blocked resource. */
function taggedPage(tag: string, timeoutMs?: number): string {
  const queue = `window.availabilityBridge = [async (connector) => {
    const settlement = await connector.dispatch(${JSON.stringify(ASK_123)}, ${JSON.stringify({ timeoutMs })});
    document.title = settlement.payload.status ?? settlement.payload.error.code;
  }];
  addEventListener("error", ({ target }) => { document.title = target.src ? "script refused" : "thrown"; }, true);`;
  return `<!doctype html><title>-</title><link rel="icon" href="data:,"><script nonce="once">${queue}</script>${tag}`;
}

const tagOf = (origin: string): string => linesToPaste("The script tag", origin);

/**
 * Sends a request to a widget, and removes its frame: Firefox may load a frame's failed address for the page that is
 * opened next.
 */
const dispatchTo = (page: Page, origin: string, timeoutMs?: number): Promise<unknown> =>
  page.evaluate(
    async ([src, event, options]) => {
      const connector = window.connect({ src });
      const settlement = await connector.dispatch(event, options);
      connector.destroy();
      return settlement;
    },
    [`${origin}/widget/`, ASK_123, timeoutMs === undefined ? {} : { timeoutMs }] as const,
  );

const unavailable = expect.objectContaining({
  payload: { error: expect.objectContaining({ code: "WIDGET_UNAVAILABLE" }) },
});

test("the script tag works under a policy of these two lines, without unsafe-inline and unsafe-eval, and violates nothing", async ({
  page,
  host,
  backend,
}) => {
  const complaints = await collectComplaints(page);
  // The nonce is for the test's own script; the widget's tag has none.
  const directives = policy(backend.origin).map((line) => line.replace("script-src", "script-src 'nonce-once'"));
  const headers = { "content-security-policy": directives.join("; ") };
  await page.goto(host.serve(taggedPage(tagOf(backend.origin)), headers));
  await expect(page).toHaveTitle("available");
  expect(complaints).toEqual([]);
});

for (const [missing, outcome] of [
  ["script-src", "script refused"],
  ["frame-src", "WIDGET_UNAVAILABLE"],
] as const) {
  test(`control: without its ${missing} the page gets ${outcome}`, async ({ page, host, backend }) => {
    const directives = policy(backend.origin)
      .map((line) => (line.startsWith(missing) ? `${missing} 'self'` : line))
      .map((line) => line.replace("script-src", "script-src 'nonce-once'"));
    const headers = { "content-security-policy": directives.join("; ") };
    await page.goto(host.serve(taggedPage(tagOf(backend.origin), IN_VAIN_MS), headers));
    await expect(page).toHaveTitle(outcome);
  });
}

test("the connector and the script tag work under require-trusted-types-for 'script' with no policy of their own; control: the page enforces it", async ({
  page,
  host,
  backend,
}) => {
  const complaints = await collectComplaints(page);
  const headers = { "content-security-policy": "require-trusted-types-for 'script'; trusted-types 'none'" };
  await page.goto(host.serve(connectorPage(), headers));
  expect(await dispatchTo(page, backend.origin)).toEqual(FULFILLED);
  await page.goto(host.serve(taggedPage(tagOf(backend.origin)), headers));
  await expect(page).toHaveTitle("available");
  expect(complaints).toEqual([]);
  const enforced = page.evaluate(() => {
    document.body.innerHTML = "<b>text</b>";
  });
  await expect(enforced).rejects.toThrow(/TypeError: .*innerHTML/);
});

const ISOLATION = "A cross-origin isolated page";

for (const embedderPolicy of ["require-corp", "credentialless"] as const) {
  const isolated = (origin: string): Record<string, string> => ({
    ...headersToPaste(ISOLATION, origin),
    "cross-origin-embedder-policy": embedderPolicy,
  });

  test(`the connector and the script tag work on a page that is isolated by COEP ${embedderPolicy}`, async ({
    page,
    host,
    backend,
  }) => {
    await page.goto(host.serve(connectorPage(), isolated(backend.origin)));
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(await dispatchTo(page, backend.origin)).toEqual(FULFILLED);
    await page.goto(host.serve(taggedPage(tagOf(backend.origin)), isolated(backend.origin)));
    await expect(page).toHaveTitle("available");
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  });

  for (const header of ["cross-origin-embedder-policy", "cross-origin-resource-policy"]) {
    test(`control: a page isolated by COEP ${embedderPolicy} does not show a widget without ${header}`, async ({
      page,
      host,
      backend,
    }) => {
      const proxy = await startPrefixProxy(backend.origin, "", [header]);
      await page.goto(host.serve(connectorPage(), isolated(backend.origin)));
      expect(await dispatchTo(page, proxy.base, IN_VAIN_MS)).toEqual(unavailable);
      // Only the header is missing: a page without isolation shows the same widget.
      await page.goto(host.serve(connectorPage()));
      expect(await dispatchTo(page, proxy.base)).toEqual(FULFILLED);
      await proxy.close();
    });
  }
}

test("control: a page isolated by COEP require-corp does not run a script without cross-origin-resource-policy", async ({
  page,
  host,
  backend,
}) => {
  const proxy = await startPrefixProxy(backend.origin, "", ["cross-origin-resource-policy"]);
  const headers = headersToPaste(ISOLATION, proxy.base);
  await page.goto(host.serve(taggedPage(tagOf(proxy.base)), headers));
  await expect(page).toHaveTitle("script refused");
  await proxy.close();
});

test("the widget and the scripts are served with the headers that isolated pages need", async ({
  request,
  backend,
}) => {
  const headersOf = async (path: string): Promise<Record<string, string>> =>
    (await request.get(`${backend.origin}${path}`)).headers();
  expect(await headersOf("/widget/")).toMatchObject({
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "cross-origin",
  });
  expect(await headersOf("/embed.js")).toMatchObject({
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
});

/** Frames with the origin of the host's site, but without an address of that site. */
const ADDRESSLESS: Readonly<Record<string, (html: string) => string>> = {
  "a srcdoc frame": (html) => `<iframe srcdoc="${html.replaceAll('"', "&quot;")}"></iframe>`,
  "a blob document": (html) => `<iframe></iframe><script>
    const blob = new Blob([${JSON.stringify(html).replaceAll("<", "\\u003c")}], { type: "text/html" });
    document.querySelector("iframe").src = URL.createObjectURL(blob);
  </script>`,
};

for (const [what, within] of Object.entries(ADDRESSLESS)) {
  test(`a connector in ${what} of a listed page is that page's: its requests fulfil, and it registers with its origin and host`, async ({
    page,
    host,
    backend,
  }) => {
    await page.goto(host.serve(within(moduleOf(host))));
    const frame = page.frames()[1];
    await expect.poll(() => frame?.evaluate(() => typeof window.connect)).toBe("function");
    const outcome = await frame?.evaluate(
      async ([src, event]) => {
        const connector = window.connect({ src });
        const registered = new Promise((resolve) => {
          connector.observe((record) => {
            if (record.kind === "settled" && record.event.type === "BUS.REGISTER") resolve(record);
          });
        });
        return { answer: await connector.dispatch(event), registered: await registered };
      },
      [`${backend.origin}/widget/`, ASK_123] as const,
    );
    expect(outcome).toMatchObject({
      answer: FULFILLED,
      registered: {
        event: { payload: { origin: host.origin, appName: new URL(host.origin).host } },
        settlement: { type: "BUS.REGISTER_FULFILLED" },
      },
    });
  });
}

function moduleOf({ origin }: HostSite): string {
  return `<script type="module">import { connect } from "${origin}/dist/index.js"; window.connect = connect;</script>`;
}

test("a sandboxed page, whose origin is null, gets WIDGET_UNAVAILABLE", async ({ page, host, backend }) => {
  const headers = { "content-security-policy": "sandbox allow-scripts" };
  await page.goto(host.serve(taggedPage(tagOf(backend.origin), IN_VAIN_MS), headers));
  await expect(page).toHaveTitle("WIDGET_UNAVAILABLE");
});

test("a connector adopts a frame of the page's own with the least attributes", async ({ page, host, backend }) => {
  await page.goto(host.serve(connectorPage(linesToPaste("A frame of the page's own", backend.origin))));
  const settlement = page.evaluate((event) => {
    const [frame] = document.querySelectorAll("iframe");
    return frame && window.connect({ frame }).dispatch(event);
  }, ASK_123);
  expect(await settlement).toEqual(FULFILLED);
});
