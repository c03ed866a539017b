/**
 * Floods of a hundred thousand messages: a message costs little work and no memory, and legitimate requests are served
 * meanwhile.
 */
import type { Page } from "@playwright/test";
import { ASK_123, AVAILABLE, connectorPage, expect, FULFILLED, openConnected, test } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { framingPage, hostileWidget } from "../fixtures/hostile-pages.ts";

const FLOOD = 100_000;

/** Maximum number of requests in flight. */
const MAX_IN_FLIGHT = 1_024;

test.slow();

/**
 * A script that floods in bursts of a thousand until `calm()`, with at least a hundred thousand messages. If the
 * flooder shares a thread with the page, as frames of one site do, the test could not run code in the page without the
 * pauses.
 */
const FLOODING = `
  let isCalm = false;
  let flooded = 0;
  const calm = () => { isCalm = true; };
  const flood = (send) => new Promise((resolve) => {
    const burst = async () => {
      await Promise.all(Array.from({ length: 1_000 }, () => send(flooded++)));
      if (isCalm && flooded >= ${FLOOD}) resolve(flooded);
      else setTimeout(burst);
    };
    burst();
  });`;

/** Counts the turns of the page's timers and, on a visible page, of its animation frames from now on. */
async function countTurns(page: Page): Promise<void> {
  await page.evaluate(() => {
    const turns = { timers: 0, frames: 0 };
    Object.assign(window, { turns });
    const onTimer = (): void => {
      turns.timers += 1;
      setTimeout(onTimer);
    };
    const onFrame = (): void => {
      turns.frames += 1;
      requestAnimationFrame(onFrame);
    };
    onTimer();
    onFrame();
  });
}

/** Opens a connected page with long timeouts: a busy widget is not a dead one. */
async function openPatient(page: Page, host: HostSite, src: string): Promise<void> {
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (address) => {
    window.connector = window.connect({ src: address, timeoutMs: 60_000, heartbeatMs: 60_000 });
    await window.connector.ready;
  }, src);
}

const dispatch = (page: Page): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);

test("while a sibling frame floods the page and the widget with 100,000 forged messages, requests are answered and the page has its turns", async ({
  page,
  host,
  backend,
  foreign,
}) => {
  const lines: string[] = [];
  await openPatient(page, host, `${backend.origin}/widget/`);
  page.on("console", (message) => lines.push(message.text()));
  const sibling = foreign.serve(`<!doctype html><script>${FLOODING}
    const types = ["SYN", "ACK1", "ACK2", "CALL", "REPLY", "DESTROY"];
    const forge = (count) => ({
      namespace: "penpal", type: types[count % types.length], participantId: String(count), id: String(count),
      callId: String(count % 100), methodPath: ["post"], args: [{ type: "USER.FORGED" }], value: {},
    });
    const start = () => flood((count) => {
      top.postMessage(forge(count), "*");
      top.frames[0].postMessage(forge(count), "*");
    }).then((count) => { document.title = String(count); });
  </script>`);
  await page.evaluate((src) => {
    const heard: unknown[] = [];
    Object.assign(window, { heard, messages: 0 });
    const forgedType: string = "USER.FORGED";
    window.connector.on(forgedType, (event) => heard.push(event));
    addEventListener("message", () => Object.assign(window, { messages: Reflect.get(window, "messages") + 1 }));
    const frame = document.createElement("iframe");
    frame.src = src;
    const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
    document.body.append(frame);
    return loaded;
  }, sibling);
  const flooder = page.frames().find((frame) => frame.url() === sibling);
  await countTurns(page);
  await flooder?.evaluate("void start()");
  await expect.poll(() => page.evaluate("messages")).toBeGreaterThan(0);
  // Requests are sent and settled before the flood ends.
  for (let count = 0; count < 3; count++) expect(await dispatch(page)).toEqual(FULFILLED);
  const { timers, frames } = Object(await page.evaluate("turns"));
  expect([timers > 0, frames > 0]).toEqual([true, true]);
  await flooder?.evaluate("calm()");
  await expect.poll(() => flooder?.title(), { timeout: 60_000 }).toMatch(/^\d{6}/);
  expect(await page.evaluate("heard")).toEqual([]);
  expect(await page.evaluate(() => window.connector.state)).toBe("ready");
  expect(await dispatch(page)).toEqual(FULFILLED);
  expect(lines).toEqual([]);
});

test("while a widget floods the page with 100,000 calls over its port, the page has its turns and its requests are answered", async ({
  page,
  host,
}) => {
  const honest = "({ type, meta: { id } }) => ({ type: type + '_FULFILLED', payload: {}, meta: { id } })";
  const src = host.serve(
    hostileWidget("/penpal.js", honest).replace(
      "</body>",
      `<script>${FLOODING}
        const events = [null, { type: "USER.FLOODED" }, { type: "HOST.FETCH_TOKEN" }, "text", { type: 1 }];
        const start = async () => {
          const { post } = await bridge.remote;
          await flood((count) => post(events[count % events.length]));
          document.title = String(flooded);
        };
      </script></body>`,
    ),
  );
  await openPatient(page, host, src);
  await page.evaluate(() => {
    Object.assign(window, { heard: 0 });
    const floodedType: string = "USER.FLOODED";
    window.connector.on(floodedType, () => Object.assign(window, { heard: Number(Reflect.get(window, "heard")) + 1 }));
  });
  const widget = page.frames()[1];
  await countTurns(page);
  await widget?.evaluate("void start()");
  await expect.poll(() => page.evaluate("heard")).toBeGreaterThan(0);
  for (let count = 0; count < 3; count++) expect(await dispatch(page)).toEqual({ ...FULFILLED, payload: {} });
  expect(Object(await page.evaluate("turns")).timers).toBeGreaterThan(0);
  await widget?.evaluate("calm()");
  await expect.poll(() => widget?.title(), { timeout: 60_000 }).toMatch(/^\d{6}/);
  expect(await dispatch(page)).toEqual({ ...FULFILLED, payload: {} });
});

test("of 100,000 requests that a page makes at once, 1,024 are in flight and each other is OVERLOADED in its own turn; the next one fulfils", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  await countTurns(page);
  const outcome = await page.evaluate(
    async ([event, total, limit]) => {
      const turns: { timers: number } = Reflect.get(window, "turns");
      const controller = new AbortController();
      const codes: Record<string, number> = {};
      const open: Promise<void>[] = [];
      let settled = 0;
      const ask = (): void => {
        const request = window.connector.dispatch(event, { signal: controller.signal, timeoutMs: 60_000 });
        const asked = request.then(({ payload }) => {
          const code = "error" in payload ? String(Reflect.get(Object(payload.error), "code")) : "none";
          codes[code] = (codes[code] ?? 0) + 1;
          settled += 1;
        });
        if (open.length < limit) open.push(asked);
      };
      let waiting = 0;
      let turnsMissed = 0;
      for (let asked = 0; asked < total; ) {
        const before = turns.timers;
        for (let count = 0; count < 1_000; count++, asked++) ask();
        // Two turns of the page, with its timer due in the first: the test counts turns, not time.
        await new Promise((resolve) => setTimeout(resolve));
        await new Promise((resolve) => setTimeout(resolve));
        if (turns.timers === before) turnsMissed += 1;
        // Requests over the limit have settled before the page's next turn: no work piles up.
        waiting = Math.max(waiting, asked - settled);
      }
      const overloaded = { ...codes };
      // A cancellation is in flight too until the widget has settled it.
      let cancelled = 0;
      const allCancelled = new Promise<void>((resolve) => {
        window.connector.observe((record) => {
          if (record.kind !== "settled" || record.event.type !== "BUS.CANCEL") return;
          cancelled += 1;
          if (cancelled === limit) resolve();
        });
      });
      controller.abort();
      await Promise.all([allCancelled, ...open]);
      return { overloaded, waiting, turnsMissed, codes };
    },
    [ASK_123, FLOOD, MAX_IN_FLIGHT] as const,
  );
  const overloaded = FLOOD - MAX_IN_FLIGHT;
  expect(outcome).toEqual({
    overloaded: { OVERLOADED: overloaded },
    waiting: MAX_IN_FLIGHT,
    turnsMissed: 0,
    codes: { OVERLOADED: overloaded, ABORTED: MAX_IN_FLIGHT },
  });
  backend.answerWith(AVAILABLE);
  expect(await dispatch(page)).toEqual(FULFILLED);
});

test("of 100,000 requests that a page without the connector posts, the widget works on 1,024 and rejects each other; the next one fulfils", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith({ hangs: true });
  await page.goto(host.serve(framingPage(`${backend.origin}/widget/`)));
  await expect(page).toHaveTitle("The frame has loaded");
  await page.evaluate((target) => {
    const { port1, port2 } = new MessageChannel();
    const answers = new Map<string, string>();
    Object.assign(window, { port: port1, answers });
    port1.onmessage = ({ data: { type, id, callId, value } }) => {
      if (type === "REPLY") answers.set(callId, value.payload.error?.code ?? value.type);
      // As penpal does for a page that exposes no method.
      else port1.postMessage({ namespace: "penpal", type: "REPLY", callId: id, isError: true });
    };
    frames[0]?.postMessage({ namespace: "penpal", type: "SYN", participantId: "!" }, target);
    frames[0]?.postMessage({ namespace: "penpal", type: "ACK2" }, target, [port2]);
  }, backend.origin);
  await page.evaluate(
    async ([event, total]) => {
      const port: MessagePort = Reflect.get(window, "port");
      for (let asked = 0; asked < total; ) {
        for (let count = 0; count < 1_000; count++, asked++) {
          const args = [{ ...event, meta: { id: `${asked}`, timeoutMs: 120_000 } }];
          port.postMessage({ namespace: "penpal", type: "CALL", id: `${asked}`, methodPath: ["post"], args });
        }
        // A turn for other tasks of the page, as between the tasks of any program.
        await new Promise((resolve) => setTimeout(resolve));
      }
    },
    [ASK_123, FLOOD] as const,
  );
  const answered = (): Promise<unknown> => page.evaluate("answers.size");
  await expect.poll(answered, { timeout: 60_000 }).toBe(FLOOD - MAX_IN_FLIGHT);
  expect(await page.evaluate("[...new Set(answers.values())]")).toEqual(["OVERLOADED"]);
  expect(backend.calls).toHaveLength(1);
  backend.answerWith(AVAILABLE);
  await page.evaluate(
    ([event, limit]) => {
      const port: MessagePort = Reflect.get(window, "port");
      const call = (id: string, asked: unknown): void =>
        port.postMessage({ namespace: "penpal", type: "CALL", id, methodPath: ["post"], args: [asked] });
      for (let id = 0; id < limit; id++) call(`cancel ${id}`, { type: "BUS.CANCEL", payload: { id: `${id}` } });
      call("next", event);
    },
    [ASK_123, MAX_IN_FLIGHT] as const,
  );
  await expect.poll(answered).toBe(FLOOD + MAX_IN_FLIGHT + 1);
  const codes = await page.evaluate(
    "[answers.get('0'), answers.get('1023'), answers.get('1024'), answers.get('next')]",
  );
  expect(codes).toEqual(["ABORTED", "ABORTED", "OVERLOADED", FULFILLED.type]);
});
