/** Pages that show the widget without permission: blocked by the browser, and rejected by the widget. */
import type { Frame, Page } from "@playwright/test";
import { type ScriptedBackend, startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { nameSite } from "../fixtures/custom-domains.ts";
import { ASK_123, AVAILABLE, expect, test } from "../fixtures/fixtures.ts";
import { type HostSite, startPrefixProxy } from "../fixtures/host-site.ts";
import { framingPage } from "../fixtures/hostile-pages.ts";

const LISTED = "https://crm.example.com";
const ALSO_LISTED = "https://help.example.com";
const WIDGET = "https://widget.example.com";

/** The page that frames the widget, by the way of its creation. */
interface Framing {
  /** Public host name of the outermost page's origin. Absent: the host's site. */
  readonly name?: string;
  /**
   * Puts the page that frames the widget, given as HTML and as an address, into the outermost page. Absent: the framing
   * page is the outermost.
   */
  readonly within?: (html: string, address: string) => string;
  /** True if the host's site is listed. */
  readonly hostIsListed?: boolean;
}

const inSource =
  (sandbox: string) =>
  (html: string): string =>
    `<iframe ${sandbox} srcdoc="${html.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"></iframe>`;

function inBlob(html: string): string {
  return `<iframe></iframe><script>
    const blob = new Blob([${JSON.stringify(html).replaceAll("<", "\\u003c")}], { type: "text/html" });
    document.querySelector("iframe").src = URL.createObjectURL(blob);
  </script>`;
}

function inSandbox(_html: string, address: string): string {
  return `<iframe sandbox="allow-scripts" src="${address}"></iframe>`;
}

function inData(html: string): string {
  return `<iframe src="data:text/html;base64,${Buffer.from(html).toString("base64")}"></iframe>`;
}

const RIGHTFUL: Readonly<Record<string, Framing>> = {
  "a listed page": { hostIsListed: true },
  "a listed page under its public name": { name: LISTED },
  "a srcdoc frame of a listed page, which has its origin,": { within: inSource(""), hostIsListed: true },
  "a blob document of a listed page, which has its origin,": { within: inBlob, hostIsListed: true },
};

const HOSTILE: Readonly<Record<string, Framing>> = {
  "a page whose origin is not listed": { name: "https://evil.test" },
  "a page whose origin begins with a listed one": { name: `${LISTED}.evil.test` },
  "a page whose host ends with a listed one": { name: "https://evil-crm.example.com" },
  "a page on a subdomain of a listed host": { name: "https://evil.crm.example.com" },
  "a page on another port of a listed host": { name: `${LISTED}:8443` },
  "a page on a listed host without TLS": { name: "http://crm.example.com" },
  "a sandboxed frame of a listed page, whose origin is null": { within: inSandbox, hostIsListed: true },
  "a sandboxed srcdoc frame of a listed page": { within: inSource('sandbox="allow-scripts"'), hostIsListed: true },
  "a data: document in a listed page": { within: inData, hostIsListed: true },
  "a srcdoc frame of a page that is not listed": { within: inSource("") },
  "a blob document of a page that is not listed": { within: inBlob },
};

/** The widget with or without its policy. Without the policy only the widget's own check protects it. */
interface WidgetSite {
  readonly origin: string;
  readonly backend: ScriptedBackend;
  close(): Promise<void>;
}

async function startWidgetSite(allowedOrigins: readonly string[], policy: "with" | "without"): Promise<WidgetSite> {
  const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins });
  const proxy = await startPrefixProxy(backend.origin, "", policy === "with" ? [] : ["content-security-policy"]);
  return {
    origin: proxy.base,
    backend,
    async close() {
      await proxy.close();
      await backend.close();
    },
  };
}

/** Opens the page and returns the frame with the widget, once its content has loaded. */
async function openFraming(page: Page, host: HostSite, { name, within }: Framing, widget: WidgetSite): Promise<Frame> {
  const origin = name ?? host.origin;
  // Browsers block requests from public names to private addresses.
  const html = framingPage(`${name ? WIDGET : widget.origin}/widget/`);
  if (name) {
    await nameSite(page.context(), name, host.origin);
    await nameSite(page.context(), WIDGET, widget.origin);
  }
  const inner = `${origin}${new URL(host.serve(html)).pathname}`;
  await page.goto(within ? `${origin}${new URL(host.serve(within(html, inner))).pathname}` : inner);
  const framing = page.frames()[within ? 1 : 0];
  if (!framing) throw new Error("The page has no frame");
  await expect.poll(() => framing.title()).toBe("The frame has loaded");
  return framing;
}

function widgetIn(framing: Frame): Frame | undefined {
  return framing.childFrames().find((frame) => frame.url().endsWith("/widget/"));
}

const heard = (framing: Frame): Promise<unknown[]> => framing.evaluate("heard");
const attack = (framing: Frame): Promise<unknown> => framing.evaluate("attack(frames[0])");

/** More than one origin, so that the widget does not know the page's origin from the start. */
function listFor(host: HostSite, { hostIsListed }: Framing): readonly string[] {
  return [LISTED, ALSO_LISTED, ...(hostIsListed ? [host.origin] : [])];
}

const ANSWERED = expect.objectContaining({
  type: "REPLY",
  callId: "over the port",
  value: expect.objectContaining({ type: `${ASK_123.type}_FULFILLED` }),
});

for (const [who, framing] of Object.entries(RIGHTFUL)) {
  test(`control: the same messages are answered if ${who} sends them`, async ({ page, host }) => {
    const widget = await startWidgetSite(listFor(host, framing), "with");
    const frame = await openFraming(page, host, framing, widget);
    await attack(frame);
    await expect.poll(() => heard(frame)).toContainEqual(ANSWERED);
    await widget.close();
  });
}

for (const [who, framing] of Object.entries(HOSTILE)) {
  test(`the browser does not show the widget to ${who}`, async ({ page, host }) => {
    const widget = await startWidgetSite(listFor(host, framing), "with");
    const frame = await openFraming(page, host, framing, widget);
    expect(widgetIn(frame)).toBeUndefined();
    expect(await heard(frame)).toEqual([]);
    await widget.close();
  });

  test(`the widget itself, without its policy, rejects ${who}`, async ({ page, host }) => {
    const widget = await startWidgetSite(listFor(host, framing), "without");
    const frame = await openFraming(page, host, framing, widget);
    await attackAndWait(frame);
    // The SYN is the only message that may go to any page. No message answers the attack.
    expect(await heard(frame)).toEqual([
      { namespace: "penpal", type: "SYN", participantId: expect.any(String) },
      "the last of the widget",
    ]);
    expect(widget.backend.calls).toHaveLength(0);
    await widget.close();
  });
}

/** Attacks the widget, and returns when the widget has received the attack and the attacker every reply. */
async function attackAndWait(framing: Frame): Promise<void> {
  await expect.poll(() => widgetIn(framing)).toBeDefined();
  await widgetIn(framing)?.evaluate(() => {
    addEventListener("message", ({ data }) => {
      if (data === "the last of the attack") parent.postMessage("the last of the widget", "*");
    });
  });
  await attack(framing);
  await expect.poll(() => heard(framing)).toContain("the last of the widget");
}

test("the widget posts only a SYN before the handshake, and no more than one to a page that it rejects", async ({
  page,
  host,
}) => {
  const widget = await startWidgetSite([LISTED, ALSO_LISTED], "without");
  const frame = await openFraming(page, host, { name: "https://evil.test" }, widget);
  await attackAndWait(frame);
  const [greeting, ...others] = await heard(frame);
  expect(Object.entries(Object(greeting)).filter(([, value]) => value !== undefined)).toEqual([
    ["namespace", "penpal"],
    ["type", "SYN"],
    ["participantId", expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ]);
  expect(others).toEqual(["the last of the widget"]);
  await widget.close();
});

test("a widget with one origin on its list sends its SYN to that origin alone", async ({ page, host }) => {
  const widget = await startWidgetSite([LISTED], "without");
  const hostile = await openFraming(page, host, { name: "https://evil.test" }, widget);
  await attackAndWait(hostile);
  expect(await heard(hostile)).toEqual(["the last of the widget"]);
  const rightful = await openFraming(page, host, { name: LISTED }, widget);
  expect(await heard(rightful)).toEqual([expect.objectContaining({ type: "SYN" })]);
  await widget.close();
});

test("the browser does not show the widget to a listed page that a hostile page has framed", async ({ page, host }) => {
  const widget = await startWidgetSite([LISTED], "with");
  await nameSite(page.context(), LISTED, host.origin);
  const { pathname } = new URL(host.serve(framingPage(`${WIDGET}/widget/`)));
  const within = (): string => `<iframe src="${LISTED}${pathname}"></iframe>`;
  const frame = await openFraming(page, host, { name: "https://evil.test", within }, widget);
  expect(widgetIn(frame)).toBeUndefined();
  await attack(frame);
  expect(await heard(frame)).toEqual([]);
  // The browser shows the widget to the same page without a frame around it.
  const unframed = await openFraming(page, host, { name: LISTED }, widget);
  await expect.poll(() => widgetIn(unframed)).toBeDefined();
  await widget.close();
});

test("a widget in a window of its own answers no page, not even a listed page that has opened it", async ({
  page,
  host,
}) => {
  const widget = await startWidgetSite([host.origin], "with");
  const opener = await openFraming(page, host, {}, widget);
  await expect.poll(() => heard(opener)).toHaveLength(1);
  const opening = page.waitForEvent("popup");
  await page.evaluate((address) => Object.assign(window, { opened: window.open(address) }), `${widget.origin}/widget/`);
  const opened = await opening;
  await opened.waitForLoadState();
  await opened.evaluate(() => {
    addEventListener("message", ({ data }) => {
      if (data === "the last of the attack") window.opener.postMessage("the last of the widget", "*");
    });
  });
  await page.evaluate("attack(opened)");
  await expect.poll(() => heard(opener)).toEqual([expect.objectContaining({ type: "SYN" }), "the last of the widget"]);
  expect(widget.backend.calls).toHaveLength(0);
  await widget.close();
});
