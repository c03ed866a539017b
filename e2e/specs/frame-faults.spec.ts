/** Faults of the widget's iframe while requests are in flight. */
import type { Frame, Page } from "@playwright/test";
import type { ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import {
  ASK_123,
  AVAILABLE,
  connectorPage,
  expect,
  FULFILLED,
  openConnected,
  rejectedBy,
  stopClock,
  test,
  type Waits,
} from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { countUnanswered, keepSilentAbout, widgetFrame } from "../fixtures/unresponsive-widget.ts";

/** A request that must not be sent twice, as every request unknown to the present version. */
const TRANSFER = { type: "CALLS.TRANSFER", payload: { to: 124 } };

const TRANSFER_CLOSED = {
  type: "CALLS.TRANSFER_REJECTED",
  payload: { error: expect.objectContaining({ code: "CONNECTION_CLOSED", retryable: true }) },
  meta: { source: "bridge" },
};

declare global {
  interface Window {
    /** The element that shows the widget. */
    container: Element;
    /** Settlements of the test's requests. */
    settlements: Promise<unknown>[];
    /** Settled events, in order. */
    order: string[];
    /** Every past state of the connector. */
    states: string[];
  }
}

const BODY = `<div id="place"><div id="host"></div><div id="container"></div></div><div id="elsewhere"></div>`;

/**
 * Opens a page with a ready connector and a read and a transfer in flight, with timeouts longer than the test. The
 * widget shows in `#container`, or in the shadow root of `#host`.
 */
async function openBusy(
  page: Page,
  host: HostSite,
  backend: ScriptedBackend,
  { isInShadowRoot = false, ...waits }: Waits & { readonly isInShadowRoot?: boolean } = {},
): Promise<void> {
  backend.answerWith([{ hangs: true }, AVAILABLE]);
  await page.goto(host.serve(connectorPage(BODY)));
  await page.evaluate(
    async ([src, isShadow, given]) => {
      const root = isShadow ? document.querySelector("#host")?.attachShadow({ mode: "open" }) : undefined;
      root?.append(document.createElement("div"));
      const container = root ? root.firstElementChild : document.querySelector("#container");
      if (!container) throw new Error("The page has no container");
      window.container = container;
      const connector = window.connect({ src, container, timeoutMs: 60_000, retryDelayMs: 50, ...given });
      window.connector = connector;
      window.states = [];
      window.order = [];
      connector.onStateChange((state) => window.states.push(state));
      connector.on("*", ({ type }) => window.order.push(type));
      await connector.ready;
    },
    [`${backend.origin}/widget/`, isInShadowRoot, waits] as const,
  );
  await keepSilentAbout(widgetFrame(page, backend), TRANSFER.type);
  await page.evaluate(
    ([read, transfer]) => {
      window.settlements = [window.connector.dispatch(read), window.connector.dispatch(transfer)];
    },
    [ASK_123, TRANSFER] as const,
  );
  await expect.poll(() => backend.calls.length).toBe(1);
}

async function navigate(page: Page, address: string): Promise<void> {
  await page.evaluate((src) => {
    const frame = window.container.querySelector("iframe");
    if (frame) frame.src = src;
  }, address);
}

const ask = (page: Page): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);
const settlements = (page: Page): Promise<unknown[]> => page.evaluate(() => Promise.all(window.settlements));
const states = (page: Page): Promise<string[]> => page.evaluate(() => window.states);

/** Expects that the read was sent again and fulfilled, and that the transfer settled before. */
async function expectCarriedOver(page: Page): Promise<void> {
  expect(await settlements(page)).toEqual([FULFILLED, TRANSFER_CLOSED]);
  expect(await page.evaluate(() => window.order)).toEqual([TRANSFER_CLOSED.type, FULFILLED.type]);
  expect(await states(page)).toEqual(["ready", "reconnecting", "ready"]);
}

test.describe("an idempotent request is sent again and fulfils, and other requests settle at once:", () => {
  test.beforeEach(({ page }) => stopClock(page));

  test("a frame that reloads itself", async ({ page, host, backend }) => {
    await openBusy(page, host, backend);
    await widgetFrame(page, backend).evaluate(() => location.reload());
    await expectCarriedOver(page);
    // One call more in browsers that cut calls off before their document is gone: the old widget may still retry.
    expect(backend.calls.length).toBeGreaterThanOrEqual(2);
  });

  test("a frame that is navigated away is brought back", async ({ page, host, backend }) => {
    await openBusy(page, host, backend, { heartbeatMs: 300 });
    await navigate(page, host.serve("<title>Elsewhere</title>"));
    // Only silence shows that a page is not the widget, and silence takes time.
    await expect
      .poll(async () => {
        await page.clock.runFor(100);
        return states(page);
      })
      .toEqual(["ready", "reconnecting", "ready"]);
    await expectCarriedOver(page);
  });

  test("a frame that is navigated away and back", async ({ page, host, backend }) => {
    await openBusy(page, host, backend);
    const elsewhere = host.serve("<title>Elsewhere</title>");
    await navigate(page, elsewhere);
    await expect.poll(() => page.frames()[1]?.url()).toBe(elsewhere);
    await navigate(page, `${backend.origin}/widget/`);
    await expectCarriedOver(page);
  });

  test("a frame whose src is set again", async ({ page, host, backend }) => {
    await openBusy(page, host, backend);
    await navigate(page, `${backend.origin}/widget/?again`);
    await expectCarriedOver(page);
  });

  for (const [what, moved, isInShadowRoot] of [
    ["itself", "iframe", false],
    ["with its container", "#container", false],
    ["with the host of its shadow root", "#host", true],
  ] as const) {
    test(`a frame that is moved ${what}`, async ({ page, host, backend }) => {
      await openBusy(page, host, backend, { isInShadowRoot });
      await page.evaluate((selector) => {
        const element = document.querySelector(selector);
        if (element) document.querySelector("#elsewhere")?.append(element);
      }, moved);
      await expectCarriedOver(page);
    });
  }
});

test.describe("every request settles at once, while the clock stands still:", () => {
  test.beforeEach(({ page }) => stopClock(page));

  const READ_CLOSED = rejectedBy("CONNECTION_CLOSED");
  /** No request can succeed before the page puts the container back. */
  const FINALLY_CLOSED = {
    ...Object(READ_CLOSED),
    payload: { error: expect.objectContaining({ code: "CONNECTION_CLOSED", retryable: false }) },
  };

  for (const [what, remove, isInShadowRoot, next] of [
    ["is removed itself", () => document.querySelector("iframe")?.remove(), false, FULFILLED],
    ["is removed with its container", () => window.container.remove(), false, FINALLY_CLOSED],
    ["is removed in a shadow root", () => window.container.firstElementChild?.remove(), true, FULFILLED],
    ["goes with the host of its shadow root", () => document.querySelector("#host")?.remove(), true, FINALLY_CLOSED],
    [
      "is overwritten by its container's text",
      () => window.container.replaceChildren("The phone is off"),
      false,
      FULFILLED,
    ],
    ["goes with the document's root", () => document.documentElement.remove(), false, FINALLY_CLOSED],
    ["goes with the document, which is opened anew", () => void document.open(), false, FINALLY_CLOSED],
  ] as const) {
    test(`a frame that ${what}`, async ({ page, host, backend }) => {
      await openBusy(page, host, backend, { isInShadowRoot });
      await page.evaluate(remove);
      const [read, transfer] = await settlements(page);
      expect(read).toEqual(next === FULFILLED ? READ_CLOSED : FINALLY_CLOSED);
      expect(transfer).toEqual({ ...TRANSFER_CLOSED, payload: Object(read).payload });
      expect(await states(page)).toEqual(["ready", "reconnecting"]);
      // The next request mounts a new frame if the container is still in the document. Else it is rejected in a later task.
      const asked = ask(page);
      await page.clock.runFor(1);
      expect(await asked).toEqual(next);
    });
  }

  test("a request made right after its frame was removed, in the same task, gets a new frame", async ({
    page,
    host,
    backend,
  }) => {
    await openBusy(page, host, backend);
    const asked = await page.evaluate(async () => {
      document.querySelector("iframe")?.remove();
      const { type } = await window.connector.dispatch({
        type: "API.FETCH_USER_AVAILABILITY",
        payload: { variables: { userId: 123 } },
      });
      return type;
    });
    expect(asked).toBe("API.FETCH_USER_AVAILABILITY_FULFILLED");
    expect(await settlements(page)).toEqual([READ_CLOSED, TRANSFER_CLOSED]);
  });
});

/** Opens a page that watches agent 123 and lists the availabilities that it receives, in `#container` or in a frame of its own. */
async function openWatching(
  page: Page,
  host: HostSite,
  backend: ScriptedBackend,
  what: "#container" | "#own",
): Promise<void> {
  const src = `${backend.origin}/widget/`;
  const own = `<iframe id="own" src="${src}"></iframe>`;
  await page.goto(
    host.serve(connectorPage(`<div id="place"><div id="container"></div>${what === "#own" ? own : ""}</div>`)),
  );
  await page.evaluate(
    async ([address, selector]) => {
      const element = document.querySelector(selector);
      if (!element) throw new Error(`The page has no ${selector}`);
      const connector = window.connect(
        element instanceof HTMLIFrameElement ? { frame: element } : { src: address, container: element },
      );
      window.connector = connector;
      window.container = element;
      window.states = [];
      connector.onStateChange((state) => window.states.push(state));
      // A request in flight has another heartbeat than a watch: the page goes on once the watch is answered.
      await new Promise((resolve) => connector.watch(123, () => {}, { onStatus: resolve }));
    },
    [src, what] as const,
  );
  expect(backend.calls).toHaveLength(1);
}

for (const [name, what] of [
  ["a container", "#container"],
  ["the page's own frame", "#own"],
] as const) {
  test(`${name} that is taken out and put back in a later task goes on watching by itself`, async ({
    page,
    host,
    backend,
  }) => {
    await openWatching(page, host, backend, what);
    await page.evaluate(() => window.container.remove());
    await expect.poll(() => states(page)).toEqual(["ready", "reconnecting"]);
    await page.evaluate(() => document.querySelector("#place")?.append(window.container));
    await expect.poll(() => states(page)).toEqual(["ready", "reconnecting", "ready"]);
    // The new widget has the watch list.
    await expect.poll(() => backend.calls.length).toBe(2);
    expect(await page.evaluate(() => document.querySelectorAll("iframe").length)).toBe(1);
  });
}

test("a container that comes into the document late shows the widget from then on", async ({ page, host, backend }) => {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate((src) => {
    window.container = document.createElement("div");
    window.connector = window.connect({ src, container: window.container, handshakeTimeoutMs: 2_000 });
    window.connector.watch(123, () => {});
  }, `${backend.origin}/widget/`);
  expect(await page.evaluate(() => window.connector.ready.catch(({ code }) => code))).toBe("WIDGET_UNAVAILABLE");
  await page.evaluate(() => document.body.append(window.container));
  await expect.poll(() => page.evaluate(() => window.connector.state)).toBe("ready");
  await expect.poll(() => backend.calls.length).toBe(1);
});

test("a request of a page that has removed its root settles once", async ({ page, host, backend }) => {
  await stopClock(page);
  await openConnected(page, host, backend.origin, { handshakeTimeoutMs: 300 });
  await page.evaluate((event) => {
    window.order = [];
    window.connector.on("*", ({ type }) => window.order.push(type));
    document.documentElement.remove();
    const first = window.connector.dispatch(event, { timeoutMs: 600 });
    window.settlements = [first, first.then(() => window.connector.dispatch(event, { timeoutMs: 600 }))];
  }, ASK_123);
  // A second settlement would come after a timeout of the connector's, or of the request with the widget's 250 ms in addition.
  await page.clock.runFor(3_000);
  const closed = {
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: { error: expect.objectContaining({ code: "CONNECTION_CLOSED", retryable: false }) },
    meta: { source: "bridge" },
  };
  expect(await settlements(page)).toEqual([closed, closed]);
  expect(await page.evaluate(() => window.order)).toEqual([closed.type, closed.type]);
});

test("a widget that falls silent while the page only watches is replaced within 30 s", async ({
  page,
  host,
  backend,
}) => {
  await stopClock(page);
  await openWatching(page, host, backend, "#container");
  await page.clock.runFor(3_000);
  // The clock of a frame that hangs cannot be moved.
  const widget = widgetFrame(page, backend);
  await keepSilentAbout(widget, "BUS.PING");
  await page.clock.runFor(15_000);
  await expect.poll(() => countUnanswered(widget)).toBe(1);
  expect(await states(page)).toEqual(["ready"]);
  await page.clock.runFor(15_000);
  await expect.poll(() => states(page)).toEqual(["ready", "reconnecting", "ready"]);
});

test("a page that repeats a request at once, without a place for the widget, stays alive", async ({
  page,
  host,
  backend,
}) => {
  await openBusy(page, host, backend);
  await page.evaluate(() => window.container.remove());
  const timers = await page.evaluate(async (event) => {
    const before = performance.now();
    let fired = 0;
    const timer = setInterval(() => {
      fired += 1;
    }, 10);
    while (performance.now() - before < 500) await window.connector.dispatch(event);
    clearInterval(timer);
    return fired;
  }, ASK_123);
  expect(timers).toBeGreaterThan(10);
});

/** Short for a test, and long enough for a heartbeat on a busy machine. */
const HEARTBEAT_MS = 1_000;

/**
 * Hangs the widget's process. The call never returns, so it is not awaited. A driven Firefox runs every site of a page
 * in one process, so a hung frame also hangs the page.
 */
function hang(frame: Frame): void {
  void frame
    .evaluate(() => {
      for (;;);
    })
    .catch(() => {});
}

test("a widget that hangs is put into another process", { tag: "@chromium" }, async ({ page, host, backend }) => {
  await openBusy(page, host, backend, { heartbeatMs: HEARTBEAT_MS });
  hang(widgetFrame(page, backend));
  await expectCarriedOver(page);
});

test("a widget that hangs is put into another process, also on a page with an iframe named `hidden`", {
  tag: "@chromium",
}, async ({ page, host, backend }) => {
  await openBusy(page, host, backend, { heartbeatMs: HEARTBEAT_MS });
  // The iframe's window is then what the page's `document.hidden` returns.
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("iframe"), { name: "hidden" })));
  hang(widgetFrame(page, backend));
  await expectCarriedOver(page);
});

// Only Chromium has a command that crashes one frame's process.
test("a widget whose process crashes is put into another one", { tag: "@chromium" }, async ({
  page,
  host,
  backend,
}) => {
  await openBusy(page, host, backend, { heartbeatMs: HEARTBEAT_MS });
  const session = await page.context().newCDPSession(widgetFrame(page, backend));
  void session.send("Page.crash").catch(() => {});
  await expectCarriedOver(page);
});

test("two widgets of one origin, of which one hangs: both frames are removed before a new one comes, and both connect again", {
  tag: "@chromium",
}, async ({ page, host, backend }) => {
  await openBusy(page, host, backend, { heartbeatMs: HEARTBEAT_MS });
  await page.evaluate(async (src) => {
    const neighbour = window.connect({ src, container: window.container });
    await neighbour.ready;
    const log: string[] = [];
    new MutationObserver((records) => {
      for (const { addedNodes, removedNodes } of records) {
        log.push(...Array.from(removedNodes, () => "gone"), ...Array.from(addedNodes, () => "come"));
      }
    }).observe(window.container, { childList: true });
    Object.assign(window, { neighbour, log });
  }, `${backend.origin}/widget/`);
  hang(widgetFrame(page, backend));
  await expectCarriedOver(page);
  const answer = await page.evaluate((event) => Reflect.get(window, "neighbour").dispatch(event), ASK_123);
  expect(answer).toEqual(FULFILLED);
  expect(await page.evaluate(() => Reflect.get(window, "log"))).toEqual(["gone", "gone", "come", "come"]);
});

test("a widget that hangs in the page's own frame: requests settle, and the frame stays as it is", {
  tag: "@chromium",
}, async ({ page, host, backend }) => {
  const src = `${backend.origin}/widget/`;
  await page.goto(host.serve(connectorPage(`<iframe src="${src}"></iframe>`)));
  backend.answerWith({ hangs: true });
  await page.evaluate(
    async ([event, heartbeatMs]) => {
      const frame = document.querySelector("iframe");
      if (!frame) throw new Error("The page has no frame");
      const connector = window.connect({ frame, timeoutMs: 60_000, heartbeatMs });
      await connector.ready;
      const changes: string[] = [];
      new MutationObserver((records) => changes.push(...records.map(({ type }) => type))).observe(document.body, {
        attributes: true,
        childList: true,
        subtree: true,
      });
      window.settlements = [connector.dispatch(event)];
      Object.assign(window, { connector, frame, changes });
    },
    [ASK_123, HEARTBEAT_MS] as const,
  );
  await expect.poll(() => backend.calls.length).toBe(1);
  hang(widgetFrame(page, backend));
  expect(await settlements(page)).toEqual([
    {
      type: "API.FETCH_USER_AVAILABILITY_REJECTED",
      payload: {
        error: {
          code: "WIDGET_UNAVAILABLE",
          message: "The page's own frame hangs: only the page can load it anew",
          retryable: true,
        },
      },
      meta: { source: "bridge" },
    },
  ]);
  expect(await page.evaluate(() => Reflect.get(window, "changes"))).toEqual([]);
  backend.answerWith(AVAILABLE);
  await page.evaluate(() => {
    const frame: Element = Reflect.get(window, "frame");
    frame.remove();
    document.body.append(frame);
  });
  expect(await ask(page)).toEqual(FULFILLED);
});

test("a widget gets heartbeats while a request is in flight, and at no other time", async ({ page, host, backend }) => {
  await page.addInitScript(() => {
    const { postMessage } = MessagePort.prototype;
    const posted: string[] = [];
    MessagePort.prototype.postMessage = function (message: unknown, ...rest: unknown[]): void {
      const { type, args } = Object(message);
      // The page's own responses, for example to a token request, do not count as heartbeats.
      if (type !== "REPLY") posted.push(args?.[0]?.type ?? type);
      Reflect.apply(postMessage, this, [message, ...rest]);
    };
    Object.assign(window, { posted });
  });
  await stopClock(page);
  const takePosted = (): Promise<string[]> => page.evaluate(() => Reflect.get(window, "posted").splice(0));
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src, heartbeatMs: 1_000, timeoutMs: 60_000 });
    // The registration is a request as well, and in flight when `ready` resolves.
    await new Promise<void>((resolve) => {
      const stop = window.connector.observe(({ kind, event }: { kind: string; event?: { type: string } }) => {
        if (kind !== "settled" || event?.type !== "BUS.REGISTER") return;
        stop();
        resolve();
      });
    });
  }, `${backend.origin}/widget/`);
  expect(await takePosted()).toEqual(["BUS.REGISTER"]);
  await page.clock.runFor(10_000);
  expect(await takePosted()).toEqual([]);
  backend.answerWith({ hangs: true });
  await page.evaluate((event) => {
    window.settlements = [window.connector.dispatch(event)];
  }, ASK_123);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.clock.runFor(1_500);
  expect(await takePosted()).toEqual([ASK_123.type, "BUS.PING"]);
});

test("a heartbeat that was lost with one widget does not count against the next", async ({ page, host, backend }) => {
  await page.addInitScript(() => {
    const { postMessage } = MessagePort.prototype;
    let isLost = false;
    MessagePort.prototype.postMessage = function (message: unknown, ...rest: unknown[]): void {
      const isFirstPing = !isLost && Object(message).args?.[0]?.type === "BUS.PING";
      isLost ||= isFirstPing;
      if (!isFirstPing) Reflect.apply(postMessage, this, [message, ...rest]);
    };
  });
  await stopClock(page);
  await openConnected(page, host, backend.origin, { heartbeatMs: 1_000, timeoutMs: 60_000 });
  backend.answerWith({ hangs: true });
  await page.evaluate((event) => {
    window.states = [];
    window.connector.onStateChange((state) => window.states.push(state));
    window.settlements = [window.connector.dispatch(event)];
  }, ASK_123);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.clock.runFor(1_500);
  await widgetFrame(page, backend).evaluate(() => location.reload());
  await expect.poll(() => backend.calls.length).toBe(2);
  await page.clock.runFor(1_000);
  expect(await page.evaluate(() => window.states)).toEqual(["reconnecting", "ready"]);
});
