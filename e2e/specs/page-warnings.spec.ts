/** Warnings in the console of a page with only the script tag and badges, which has no code to show an error. */
import type { Page } from "@playwright/test";
import { startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { collectWarnings, expect, stopClock, test } from "../fixtures/fixtures.ts";

const END = 'See "It does not work" in the documentation';

function badgePage(origin: string, attributes = 'user-id="123"', settings = ""): string {
  return `<!doctype html><html lang="en"><head><title>-</title><link rel="icon" href="data:,"></head><body>
    <availability-badge ${attributes}></availability-badge>
    <script async src="${origin}/embed.js" ${settings}></script></body></html>`;
}

/** The warning that no widget has answered, and what it asks to be checked. */
function noWidget(widgetOrigin: string, checks: string): string {
  return `availability-bridge: No widget answered at ${widgetOrigin}/widget/. Check that ${checks}. The widget's address comes from the script's own. ${END}`;
}

const ADDRESS = "it is a widget's address, ending in /widget/";

declare global {
  interface Window {
    /** True once the browser has reported to the page that a policy forbids a frame, or that a request by `fetch` was answered. */
    hasEvidence?: boolean;
    /** True once an iframe of the page has loaded a document. */
    hasLoadedFrame?: boolean;
  }
}

/** Notes the browser's report of the cause to the page. The library, whose listener was added later, has the report by then as well. */
function noteEvidence(page: Page): Promise<unknown> {
  return page.addInitScript(() => {
    const note = (): void => {
      window.hasEvidence = true;
    };
    addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      if (effectiveDirective === "frame-src") note();
    });
    document.addEventListener(
      "load",
      ({ target }) => {
        window.hasLoadedFrame ||= target instanceof HTMLIFrameElement;
      },
      true,
    );
    const { fetch } = window;
    window.fetch = (...request) => {
      const answer = fetch(...request);
      answer.then(note, () => {});
      return answer;
    };
  });
}

const hasEvidence = (page: Page) => page.waitForFunction(() => window.hasEvidence);

/** Lets the first attempt fail, at most 500 ms after the load of a page that is no widget, and waits for the answer of the probe. */
async function failFirstAttempt(page: Page): Promise<void> {
  await page.waitForFunction(() => window.hasLoadedFrame);
  await page.clock.runFor(500);
  await hasEvidence(page);
}

/** Waits until the script tag has defined the badge, so that its clock runs. */
const loaded = (page: Page) => page.evaluate(async () => void (await customElements.whenDefined("availability-badge")));

test("a page that the widget does not allow gets one warning, 10 s after the tag has loaded, and none at later attempts", async ({
  page,
  host,
}) => {
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: ["https://crm.example.com"] });
  const warnings = collectWarnings(page);
  await stopClock(page);
  await noteEvidence(page);
  await page.goto(host.serve(badgePage(backend.origin)));
  await loaded(page);
  await failFirstAttempt(page);
  // Without its code a badge does not wait for the widget.
  await expect(page.locator("availability-badge")).toHaveAttribute("data-state", "loading");
  await page.clock.runFor(9_499);
  expect(warnings).toEqual([]);
  await page.clock.runFor(1);
  await expect
    .poll(() => warnings)
    .toEqual([noWidget(backend.origin, `${ADDRESS}, that the vendor allows ${host.origin}`)]);
  await page.clock.runFor(120_000);
  expect(await page.evaluate(() => document.querySelector("availability-badge")?.getAttribute("data-state"))).toBe(
    "error",
  );
  expect(warnings).toHaveLength(1);
  await backend.close();
});

test("a page whose policy has no frame-src for the widget gets a warning that names the directive", async ({
  page,
  host,
  backend,
}) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await noteEvidence(page);
  const headers = { "content-security-policy": `default-src 'self' data:; script-src ${backend.origin}` };
  await page.goto(host.serve(badgePage(backend.origin), headers));
  await loaded(page);
  await hasEvidence(page);
  await page.clock.runFor(10_000);
  await expect
    .poll(() => warnings)
    .toEqual([noWidget(backend.origin, `this page's CSP has ${backend.origin} in frame-src`)]);
});

test("a page with a copy of the script elsewhere gets a warning that the widget's address comes from the script's", async ({
  page,
  host,
}) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await noteEvidence(page);
  await page.goto(host.serve(badgePage(`${host.origin}/dist`)));
  await loaded(page);
  await failFirstAttempt(page);
  await page.clock.runFor(9_500);
  await expect
    .poll(() => warnings)
    .toEqual([noWidget(`${host.origin}/dist`, `${ADDRESS}, that the vendor allows ${host.origin}`)]);
});

test("a page gets no warning when the widget comes", async ({ page, host }) => {
  const warnings = collectWarnings(page);
  const gateway = await startLiveGateway({ allowedOrigins: [host.origin] });
  await gateway.agents.set(123, { status: "available" });
  await stopClock(page);
  await page.goto(host.serve(badgePage(gateway.origin)));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  // A change proves that the shared worker has answered. The worker has a real clock, so that after 12 s of the page's clock it
  // would seem to hang.
  await expect.poll(() => gateway.openStreams()).toBe(1);
  await gateway.agents.set(123, { status: "in_call" });
  await expect(page.locator("availability-badge")).toHaveText("In call");
  await page.clock.runFor(10_500);
  expect(warnings).toEqual([]);
  await gateway.close();
});

test("a page that destroys its connector before the widget has come gets no warning", async ({
  page,
  host,
  backend,
}) => {
  const warnings = collectWarnings(page);
  backend.showInstead((_request, response) => void response.writeHead(404).end());
  await stopClock(page);
  const destroy = "<script>window.availabilityBridge = [(connector) => connector.destroy()];</script>";
  await page.goto(host.serve(badgePage(backend.origin).replace("</head>", `${destroy}</head>`)));
  await expect(page.locator("availability-badge")).toHaveText("Unknown");
  await page.clock.runFor(60_000);
  expect(warnings).toEqual([]);
});

test("a page without data-token-url gets a warning when the gateway wants a token", async ({ page, host, backend }) => {
  const warnings = collectWarnings(page);
  backend.answerWith({ status: 401, body: { status: 401, detail: "This call needs a valid token" } });
  await page.goto(host.serve(badgePage(backend.origin)));
  await expect
    .poll(() => warnings)
    .toEqual([
      "availability-bridge: the gateway rejects the page's agents with status 401: This call needs a valid token. Set" +
        " data-token-url on the page's script tag, or fetchToken in connect(), and check that it gives a valid token." +
        ` ${END}.`,
    ]);
});

test("a page gets a warning for each user-id that is invalid or unknown to the gateway", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const badges = ['user-id="anna@x.de"', 'user-id=" 123 "', 'user-id="123"', 'user-id="999999"']
    .map((attribute) => `<availability-badge ${attribute}></availability-badge>`)
    .join("");
  await page.goto(host.serve(badgePage(gateway.origin).replace("<body>", `<body>${badges}`)));
  await expect(page.locator('[user-id="123"]').first()).toHaveText("Available");
  await expect
    // Each in a task of its own: the order is the browser's.
    .poll(() => [...warnings].sort())
    .toEqual([
      `availability-bridge: user-id: expected a whole number from 1, not " 123 ". ${END}`,
      `availability-bridge: user-id: expected a whole number from 1, not "anna@x.de". ${END}`,
      `availability-bridge: user-id: there is no agent 999999 in the telephony system. The id must be the telephony system's, not the CRM's. ${END}.`,
    ]);
});

test("a page gets a warning for a misspelt user-id", async ({ page, host, gateway }) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  await page.goto(host.serve(badgePage(gateway.origin, 'userId="123"')));
  await expect(page.locator("availability-badge")).toHaveAttribute("data-state", "loading");
  await page.clock.runFor(5_000);
  await expect
    .poll(() => warnings)
    .toEqual([
      `availability-bridge: user-id: expected on each <availability-badge>, and one has only userid, data-state, data-reason, data-stale, data-callable. ${END}`,
    ]);
});

test("a page gets a warning for an attribute that the script tag does not know, with the list of known attributes", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  await page.goto(host.serve(badgePage(gateway.origin, 'user-id="123"', 'data-tokenurl="/token"')));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  const known =
    "data-container, data-title, data-theme, data-timeout-ms, data-token-url, data-app-name, data-release, data-inspector, data-debug, data-doctor";
  expect(warnings).toEqual([`availability-bridge: data-tokenurl: expected ${known}. ${END}`]);
});

test("a page gets a warning for a data-theme that is neither theme nor colour, and its widget has the person's theme", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  await page.goto(host.serve(badgePage(gateway.origin, 'user-id="123"', 'data-theme="dark blue"')));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  const expected = 'data-theme: expected light, dark or auto, then a color such as #7a1fa2 or none, not "dark blue"';
  expect(warnings).toEqual([`availability-bridge: ${expected}. ${END}`]);
});

test("a page gets one warning that the settings of further script tags are ignored, if they differ", async ({
  page,
  host,
  gateway,
}) => {
  const warnings = collectWarnings(page);
  const tag = (settings: string) => `<script src="${gateway.origin}/embed.js" ${settings}></script>`;
  const other = tag('data-token-url="/phone-token" data-title="Acme"');
  const tags = `${tag('data-title="Acme"')}${tag('data-title="Acme"')}${other}${other}`;
  await page.goto(host.serve(badgePage(gateway.origin).replace("</head>", `${tags}</head>`)));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  await expect
    .poll(() => warnings)
    .toEqual([`availability-bridge: A second script tag is ignored, with its data-token-url. ${END}`]);
});

test("a page gets one warning, after 8 s, that no element matches data-container, and none if the element comes in time", async ({
  page,
  host,
  backend,
}) => {
  const warnings = collectWarnings(page);
  await stopClock(page);
  const open = async (): Promise<void> => {
    await page.goto(host.serve(badgePage(backend.origin, "", 'data-container="#fone"')));
    await page.waitForFunction(() => window.availabilityBridge && !Array.isArray(window.availabilityBridge));
  };
  await open();
  await page.evaluate(() => document.body.setAttribute("id", "fone"));
  await expect(page.locator("#fone > iframe")).toHaveCount(1);
  // The warnings of a badge without an id, and of a widget that does not come, are other ones.
  await page.clock.runFor(8_000);
  await open();
  await page.clock.runFor(7_999);
  const isOfContainer = (text: string): boolean => text.includes("data-container");
  expect(warnings.filter(isOfContainer)).toEqual([]);
  await page.clock.runFor(60_000);
  await expect
    .poll(() => warnings.filter(isOfContainer))
    .toEqual([
      `availability-bridge: data-container: expected a selector of an element of this page, such as #phone, not "#fone". ${END}`,
    ]);
});
