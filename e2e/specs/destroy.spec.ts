/** `destroy()` at every stage of a connector's life: every request settles at once, and the page has no leftovers. */
import type { Page } from "@playwright/test";
import type { ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { ASK_123, AVAILABLE, connectorPage, expect, rejectedBy } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

/** Counts of the objects that a connector may leave on a page. */
interface Traces {
  readonly listeners: readonly string[];
  readonly timers: number;
  readonly observers: number;
  readonly frames: number;
  readonly neighbours: number;
}

declare global {
  interface Window {
    /** Objects that scripts have added to the page since `forgetTraces` and not removed. */
    traces(): Traces;
    /** Excludes present objects, such as the test runner's own listeners. */
    forgetTraces(): void;
    asked: Promise<unknown>;
    states: string[];
    /** Number of tokens that the page has given. */
    tokens: number;
  }
}

/** Makes the page count every listener, timer and observer, from its first script on. */
async function keepCount(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const listeners = new Map<EventTarget, [type: string, listener: unknown][]>();
    const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
    const forget = (target: EventTarget, type: string, listener: unknown): void => {
      const those = listeners.get(target) ?? [];
      listeners.set(
        target,
        those.filter(([otherType, other]) => otherType !== type || other !== listener),
      );
    };
    EventTarget.prototype.addEventListener = function (this: unknown, type, listener, options): void {
      const target = this instanceof EventTarget ? this : window;
      const signal = typeof options === "object" ? options.signal : undefined;
      listeners.set(target, [...(listeners.get(target) ?? []), [type, listener]]);
      if (signal) add.call(signal, "abort", () => forget(target, type, listener));
      add.call(target, type, listener, options);
    };
    EventTarget.prototype.removeEventListener = function (this: unknown, type, listener, options): void {
      const target = this instanceof EventTarget ? this : window;
      forget(target, type, listener);
      remove.call(target, type, listener, options);
    };

    const timers = new Set<unknown>();
    const { setTimeout: set, clearTimeout: clear } = window;
    const setTimeoutAndCount = (run: () => void, milliseconds?: number): number => {
      const timer = set(() => {
        timers.delete(timer);
        run();
      }, milliseconds);
      timers.add(timer);
      return timer;
    };
    const clearTimeoutAndCount = (timer?: number): void => {
      timers.delete(timer);
      clear(timer);
    };
    Object.assign(window, { setTimeout: setTimeoutAndCount, clearTimeout: clearTimeoutAndCount });

    const observers = new Set<MutationObserver>();
    const { observe, disconnect } = MutationObserver.prototype;
    MutationObserver.prototype.observe = function (target, options): void {
      observers.add(this);
      observe.call(this, target, options);
    };
    MutationObserver.prototype.disconnect = function (): void {
      observers.delete(this);
      disconnect.call(this);
    };

    window.forgetTraces = () => {
      for (const kept of [listeners, timers, observers]) kept.clear();
    };
    window.traces = () => ({
      listeners: Array.from(listeners).flatMap(([target, those]) =>
        those.map(([type]) => `${target.constructor.name} ${type}`),
      ),
      timers: timers.size,
      observers: observers.size,
      frames: document.querySelectorAll("iframe").length,
      neighbours: Reflect.get(window, Symbol.for("availability-bridge.neighbours"))?.size ?? 0,
    });
  });
}

const NO_TRACES: Traces = { listeners: [], timers: 0, observers: 0, frames: 0, neighbours: 0 };

const traces = (page: Page): Promise<Traces> => page.evaluate(() => window.traces());

/** Opens a page with a connector and sends two requests before there can be a widget. */
async function openAsking(page: Page, host: HostSite, backend: ScriptedBackend): Promise<void> {
  await keepCount(page);
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(
    ([src, event]) => {
      window.forgetTraces();
      const connector = window.connect({ src, timeoutMs: 60_000, handshakeTimeoutMs: 60_000, heartbeatMs: 60_000 });
      window.connector = connector;
      window.states = [];
      connector.onStateChange((state) => window.states.push(state));
      const thrown = connector.request(event.type, event.payload).catch(({ name, code }) => `${name} ${code}`);
      window.asked = Promise.all([connector.dispatch(event), thrown]);
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
}

/** Destroys the connector and expects its end within the test's time limit, far before any deadline. */
async function expectDestroyed(page: Page): Promise<void> {
  const before = await traces(page);
  expect(before).toMatchObject({ frames: 1, timers: 1, observers: 1, neighbours: 1 });
  expect(before.listeners).toContain("Window message");
  await page.evaluate(() => {
    window.connector.destroy();
    window.connector.destroy();
  });
  expect(await page.evaluate(() => window.asked)).toEqual([
    rejectedBy("CONNECTION_CLOSED"),
    "ConnectionError CONNECTION_CLOSED",
  ]);
  expect(await traces(page)).toEqual(NO_TRACES);
  expect(await page.evaluate(() => window.states.at(-1))).toBe("closed");
  expect(await page.evaluate(() => window.states.filter((state) => state === "closed"))).toHaveLength(1);
  const later = await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  expect(later).toEqual(rejectedBy("CONNECTION_CLOSED"));
  expect(await traces(page)).toEqual(NO_TRACES);
}

const readyError = (page: Page): Promise<unknown> =>
  page.evaluate(() =>
    window.connector.ready.then(
      () => "ready",
      ({ name, code }) => `${name} ${code}`,
    ),
  );

test("destroyed, and once more, before its frame loads", async ({ page, host, backend }) => {
  backend.showInstead(() => {});
  await openAsking(page, host, backend);
  await expect.poll(backend.countLoads).not.toBe(0);
  await expectDestroyed(page);
  expect(await readyError(page)).toBe("ConnectionError CONNECTION_CLOSED");
});

test("destroyed, and once more, in the task in which it was made", async ({ page, host, backend }) => {
  await keepCount(page);
  await page.goto(host.serve(connectorPage()));
  const settlement = await page.evaluate(
    ([src, event]) => {
      window.forgetTraces();
      const connector = window.connect({ src });
      const asked = connector.dispatch(event);
      connector.destroy();
      connector.destroy();
      return asked;
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
  expect(settlement).toEqual(rejectedBy("CONNECTION_CLOSED"));
  expect(await traces(page)).toEqual(NO_TRACES);
});

/** A widget that only sends a SYN. */
const GREETS_ONLY = `<!doctype html><script>
  const heard = [];
  addEventListener("message", ({ data }) => heard.push(data.type));
  parent.postMessage({ namespace: "penpal", type: "SYN", participantId: "0" }, "*");
</script>`;

test("destroyed, and once more, during the handshake", async ({ page, host, backend }) => {
  backend.showInstead((_request, response) => void response.setHeader("content-type", "text/html").end(GREETS_ONLY));
  await openAsking(page, host, backend);
  await expect
    .poll(() =>
      page
        .frames()[1]
        ?.evaluate("heard")
        .catch(() => []),
    )
    .toContain("ACK1");
  await expectDestroyed(page);
  expect(await readyError(page)).toBe("ConnectionError CONNECTION_CLOSED");
});

test("destroyed, and once more, with requests in flight, whose backend calls are cancelled", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith({ hangs: true });
  await openAsking(page, host, backend);
  await expect.poll(() => backend.calls.length).toBe(1);
  await expectDestroyed(page);
  expect(await readyError(page)).toBe("ready");
  await backend.calls[0]?.hungUp;
});

/** Destroys the connector of a page with a signed-in user as soon as it is `reconnecting`. */
async function openDestroying(page: Page, host: HostSite, backend: ScriptedBackend): Promise<void> {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (src) => {
    const fetchToken = (): string => {
      window.tokens += 1;
      return "t1";
    };
    window.tokens = 0;
    const connector = window.connect({ src, fetchToken, heartbeatMs: 300 });
    window.connector = connector;
    window.states = [];
    await connector.ready;
    connector.onStateChange((state) => {
      window.states.push(state);
      if (state === "reconnecting") connector.destroy();
    });
  }, `${backend.origin}/widget/`);
  await expect.poll(() => page.evaluate(() => window.tokens)).toBe(1);
}

/** Expects that the connector is closed, and stays so for longer than a widget takes to load. */
async function expectFinal(page: Page, backend: ScriptedBackend): Promise<void> {
  await expect.poll(() => page.evaluate(() => window.states)).toEqual(["reconnecting", "closed"]);
  const widget = await page.evaluate(async (src) => {
    // Another connector's widget has loaded by then, and has asked for a token.
    const other = window.connect({ src });
    await other.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
    other.destroy();
    return { frames: document.querySelectorAll("iframe").length, tokens: window.tokens, state: window.connector.state };
  }, `${backend.origin}/widget/`);
  expect(widget).toEqual({ frames: 0, tokens: 1, state: "closed" });
  expect(await page.evaluate(() => window.states)).toEqual(["reconnecting", "closed"]);
}

test("destroyed by a listener when a request finds its frame missing: no frame, no token, no settlement after it", async ({
  page,
  host,
  backend,
}) => {
  await openDestroying(page, host, backend);
  const settlement = await page.evaluate((event) => {
    document.querySelector("iframe")?.remove();
    return window.connector.dispatch(event);
  }, ASK_123);
  expect(settlement).toEqual(rejectedBy("CONNECTION_CLOSED"));
  await expectFinal(page, backend);
});

test("destroyed by a listener when its widget hangs: no frame, no token, no settlement after it", {
  tag: "@chromium",
}, async ({ page, host, backend }) => {
  backend.answerWith([{ hangs: true }, AVAILABLE]);
  await openDestroying(page, host, backend);
  await page.evaluate((event) => {
    window.asked = window.connector.dispatch(event);
  }, ASK_123);
  void page
    .frames()[1]
    ?.evaluate(() => {
      for (;;);
    })
    .catch(() => {});
  expect(await page.evaluate(() => window.asked)).toEqual(rejectedBy("CONNECTION_CLOSED"));
  await expectFinal(page, backend);
});

test("destroyed, and once more, while it connects again after a reload", async ({ page, host, backend }) => {
  backend.answerWith({ hangs: true });
  await openAsking(page, host, backend);
  await expect.poll(() => backend.calls.length).toBe(1);
  backend.showInstead((_request, response) => void response.setHeader("content-type", "text/html").end(GREETS_ONLY));
  await page.frames()[1]?.evaluate(() => location.reload());
  await expect.poll(() => page.evaluate(() => window.connector.state)).toBe("reconnecting");
  await expectDestroyed(page);
});
