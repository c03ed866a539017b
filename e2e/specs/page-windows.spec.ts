/** The widget and the badge: not shown yet, moved by the page, or shown in a second window. */
import type { Page } from "@playwright/test";
import type { LiveGateway } from "../../gateway/test/live-gateway.ts";
import { ASK_123, AVAILABLE, connectorPage, expect, FULFILLED } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/live-page.ts";

// Generous, because each page starts several sites, and a widget each time that it is replaced.
test.describe.configure({ timeout: 90_000 });

/** Opens a page that connects in `#container` and has followed agent 1, whose badge has the id `badge`. */
async function openFollowing(page: Page, host: HostSite, { origin, agents }: LiveGateway, body: string): Promise<void> {
  await agents.set(1, { status: "available" });
  await page.goto(host.serve(connectorPage(body)));
  await page.evaluate(async (src) => {
    const container = document.querySelector("#container");
    if (!container) throw new Error("The page has no container");
    window.connector = window.connect({ src, container });
    const { defineAvailabilityBadge }: typeof import("../../host/badge.ts") = await import(
      `${location.origin}/dist/badge.js`
    );
    defineAvailabilityBadge(window.connector);
  }, `${origin}/widget/`);
  await expectBadge(page, "available");
}

const BADGE = '<availability-badge id="badge" user-id="1"></availability-badge>';

/** Waits for the state of the badge in any window. */
async function expectBadge(page: Page, state: string): Promise<void> {
  await page.evaluate(() => {
    const badge = document.querySelector("#badge");
    if (badge) Object.assign(window, { badge });
  });
  await expect.poll(() => page.evaluate(() => Reflect.get(window, "badge")?.dataset.state)).toBe(state);
}

const ask = (page: Page): Promise<unknown> =>
  page.evaluate(async () => {
    const { status } = await window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 1 } });
    return status;
  });

for (const [where, before, show, after] of [
  [
    "with `display: none`",
    '<div id="place" style="display:none">',
    (place: HTMLElement) => {
      place.style.display = "block";
    },
    "</div>",
  ],
  [
    "in a closed dialog",
    '<dialog id="place">',
    (place: HTMLElement) => Reflect.get(place, "showModal").call(place),
    "</dialog>",
  ],
  [
    "in closed details",
    '<details id="place"><summary>Phone</summary>',
    (place: HTMLElement) => place.setAttribute("open", ""),
    "</details>",
  ],
  [
    "in a hidden tab panel",
    '<div id="place" role="tabpanel" hidden>',
    (place: HTMLElement) => place.removeAttribute("hidden"),
    "</div>",
  ],
  [
    "far below with `content-visibility: auto`",
    '<div style="height:9000px"></div><div id="place" style="content-visibility:auto">',
    (place: HTMLElement) => place.scrollIntoView(),
    "</div>",
  ],
] as const) {
  test(`a container ${where} answers and follows, and shows the widget as soon as the page shows it`, async ({
    page,
    host,
    live,
  }) => {
    await openFollowing(page, host, live, `${BADGE}${before}<div id="container"></div>${after}`);
    expect(await ask(page)).toBe("available");
    await live.agents.set(1, { status: "in_call" });
    await expectBadge(page, "in_call");
    await page.locator("#place").evaluate(show);
    await expect(page.locator("#container > iframe")).toBeVisible();
    await expect(page.locator("#badge")).toHaveText("In call");
    expect(await page.evaluate(() => window.connector.state)).toBe("ready");
  });
}

test("a container that is moved by `moveBefore` keeps its connection, and a request in flight is sent once", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith([{ hangs: true }, { ...AVAILABLE, body: { ...AVAILABLE.body, userId: 124 } }]);
  await page.goto(host.serve(connectorPage('<div id="container"></div><div id="elsewhere"></div>')));
  test.skip(!(await page.evaluate(() => "moveBefore" in document.body)), "This browser has no moveBefore");
  await page.evaluate(async (src) => {
    const container = document.querySelector("#container");
    if (!container) throw new Error("The page has no container");
    const states: string[] = [];
    const connector = window.connect({ src, container });
    await connector.ready;
    connector.onStateChange((state) => states.push(state));
    const asked = connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
    Object.assign(window, { connector, states, asked });
  }, `${backend.origin}/widget/`);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.evaluate(() => {
    const place = document.querySelector("#elsewhere");
    Reflect.get(Object(place), "moveBefore").call(place, document.querySelector("#container"), null);
  });
  // Not the agent of the request in flight, whose call the request would share.
  await page.evaluate(() => window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 124 } }));
  expect(await page.evaluate(() => Reflect.get(window, "states"))).toEqual([]);
  expect(backend.calls).toHaveLength(2);
  await page.evaluate(() => document.querySelector("iframe")?.remove());
  expect(await page.evaluate(() => Reflect.get(window, "asked").catch(({ code }: { code: string }) => code))).toBe(
    "CONNECTION_CLOSED",
  );
});

test("a lazy iframe of the page's own far below is connected as soon as the user scrolls to it", async ({
  page,
  host,
  backend,
}) => {
  const src = `${backend.origin}/widget/`;
  await page.goto(
    host.serve(
      connectorPage(`<div style="height:20000px"></div><iframe id="own" loading="lazy" src="${src}"></iframe>`),
    ),
  );
  await page.evaluate(() => {
    const frame = document.querySelector("iframe");
    if (!frame) throw new Error("The page has no frame");
    window.connector = window.connect({ frame, handshakeTimeoutMs: 500 });
  });
  expect(await page.evaluate(() => window.connector.ready.catch(({ code }) => code))).toBe("WIDGET_UNAVAILABLE");
  await page.evaluate(() => document.querySelector("iframe")?.scrollIntoView());
  await expect.poll(() => page.evaluate(() => window.connector.state)).toBe("ready");
  expect(await page.evaluate((event) => window.connector.dispatch(event), ASK_123)).toEqual(FULFILLED);
});

test("`connect` refuses a container in a popup, in an iframe of the page or around it, and says what it expects", async ({
  page,
  host,
  backend,
}) => {
  const inner = host.serve(connectorPage());
  await page.goto(host.serve(connectorPage(`<div id="around"></div><iframe id="inner" src="${inner}"></iframe>`)));
  await expect.poll(() => page.frame({ url: inner })?.evaluate(() => typeof window.connect)).toBe("function");
  const refusals = await page.evaluate((src) => {
    const { contentWindow } = document.querySelector<HTMLIFrameElement>("#inner") ?? {};
    const popup = open("about:blank");
    if (!contentWindow || !popup) throw new Error("The page has no other window");
    const outcomes = [
      [window, popup.document.body],
      [window, contentWindow.document.body],
      [contentWindow, document.querySelector("#around")],
    ].map(([realm, container]) => {
      try {
        Reflect.get(Object(realm), "connect")({ src, container });
        return "connected";
      } catch (error) {
        return String(error);
      }
    });
    popup.close();
    return outcomes;
  }, `${backend.origin}/widget/`);
  expect(refusals).toEqual(Array(3).fill("TypeError: container: expected an element of this document"));
});

/** Moves elements of the page into a popup, or into a picture-in-picture window. */
const moveTo = (page: Page, kind: "popup" | "picture-in-picture", selector: string) =>
  page.evaluate(
    async ([window_, what]) => {
      const { documentPictureInPicture } = Object(window);
      const other: Window | null =
        window_ === "popup" ? open("about:blank") : await documentPictureInPicture.requestWindow();
      other?.document.body.append(...document.querySelectorAll(what));
      Object.assign(window, { other });
    },
    [kind, selector] as const,
  );

for (const kind of ["popup", "picture-in-picture"] as const) {
  test(`a badge that the page moves into a ${kind} window follows its agent there`, {
    tag: kind === "popup" ? [] : "@chromium",
  }, async ({ page, host, live }) => {
    await openFollowing(page, host, live, `<div id="container"></div>${BADGE}<button>Out</button>`);
    const hasWindow = await page.evaluate((what) => what === "popup" || "documentPictureInPicture" in window, kind);
    test.skip(!hasWindow, "This browser has no such window");
    // The window needs a click of the user.
    if (kind !== "popup") await page.getByRole("button").click();
    await moveTo(page, kind, "#badge");
    await live.agents.set(1, { status: "in_call" });
    await expectBadge(page, "in_call");
    expect(await page.evaluate(() => Reflect.get(window, "badge").ownerDocument === document)).toBe(false);
    await page.evaluate(() => Reflect.get(window, "other").close());
  });

  test(`a container that the page moves into a ${kind} window settles its requests at once, and works again when it is back`, {
    tag: kind === "popup" ? [] : "@chromium",
  }, async ({ page, host, live }) => {
    await openFollowing(page, host, live, `<div id="container"></div>${BADGE}<button>Out</button>`);
    const hasWindow = await page.evaluate((what) => what === "popup" || "documentPictureInPicture" in window, kind);
    test.skip(!hasWindow, "This browser has no such window");
    await page.evaluate(() => Object.assign(window, { container: document.querySelector("#container") }));
    if (kind !== "popup") await page.getByRole("button").click();
    await moveTo(page, kind, "#container");
    const { payload } = await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
    expect(payload).toEqual({
      error: { code: "CONNECTION_CLOSED", message: "The frame is not in the document", retryable: false },
    });
    await page.evaluate(() => {
      document.body.append(Reflect.get(window, "container"));
      Reflect.get(window, "other").close();
    });
    await live.agents.set(1, { status: "in_call" });
    await expectBadge(page, "in_call");
    await expect(page.locator("#container > iframe")).toHaveCount(1);
  });
}
