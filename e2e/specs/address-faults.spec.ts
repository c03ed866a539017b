/** Faults of the widget's address, and the connector's retries until the widget is there. */
import type { Page } from "@playwright/test";
import type { RawAnswer, ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { answer, ask, openWaiting, tries } from "../fixtures/fake-clock-page.ts";
import { expect, FULFILLED } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

const mounted = async (page: Page): Promise<number> => (await tries(page)).mounted;

/**
 * Expects requests at a bad address to settle after the handshake's timeout, with a message about the possible cause. The first request
 * may settle before the browser has reported the cause to the page; the next requests name the cause.
 */
async function expectUnavailable(page: Page, host: HostSite, origin: string, isReached: boolean): Promise<void> {
  await page.clock.runFor(HANDSHAKE_MS);
  const start = `No widget answered at ${origin}/widget/. Check that it is a widget's address, ending in /widget/, that `;
  expect(await answer(page)).toEqual(rejectedWith(expect.stringContaining(start)));
  const reason = await page.evaluate(() =>
    window.connector.ready.then(
      () => undefined,
      ({ name, code, message: text }) => ({ name, code, message: text }),
    ),
  );
  expect(reason).toEqual({
    name: "ConnectionError",
    code: "WIDGET_UNAVAILABLE",
    message: expect.stringContaining(start),
  });
  const cause = isReached ? `the vendor allows ${host.origin}` : "it can be reached and the local network is allowed";
  await expect
    .poll(async () => {
      await ask(page);
      await page.clock.runFor(HANDSHAKE_MS);
      return answer(page);
    })
    .toEqual(rejectedWith(`${start}${cause}`));
  expect(await page.evaluate(() => window.connector.state)).toBe("connecting");
}

/** The settlement of a request that no widget has answered. */
function rejectedWith(message: unknown): unknown {
  return {
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: { error: { code: "WIDGET_UNAVAILABLE", message, retryable: true } },
    meta: { source: "bridge" },
  };
}

/** Opens a page with a request at an address that shows another page, until the request and `ready` are rejected. */
async function openUnavailable(page: Page, host: HostSite, backend: ScriptedBackend): Promise<void> {
  backend.showInstead((_request, response) => void response.end(NOT_THE_WIDGET));
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: HANDSHAKE_MS });
  await expectUnavailable(page, host, backend.origin, true);
}

const HANDSHAKE_MS = 1_000;
const NOT_THE_WIDGET = "<!doctype html><title>Welcome</title>";

const FAULTS: Readonly<Record<string, RawAnswer>> = {
  "answers 404": (_request, response) => void response.writeHead(404).end("Not found"),
  "answers 500": (_request, response) => void response.writeHead(500).end("Internal error"),
  "shows a page that is not the widget": (_request, response) =>
    void response.writeHead(200, { "content-type": "text/html" }).end(NOT_THE_WIDGET),
  "hangs for ever": () => {},
  "breaks the connection off": ({ socket }) => void socket.destroy(),
  "refuses this page by frame-ancestors": (_request, response) =>
    void response
      .writeHead(200, {
        "content-type": "text/html",
        "content-security-policy": "frame-ancestors https://crm.example.com",
      })
      .end(NOT_THE_WIDGET),
};

/** The faults that look like those of the network. */
const UNREACHED = ["hangs for ever", "breaks the connection off"];

for (const [fault, document] of Object.entries(FAULTS)) {
  test(`an address that ${fault} settles WIDGET_UNAVAILABLE, until the widget comes back`, async ({
    page,
    host,
    backend,
  }) => {
    backend.showInstead(document);
    await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: HANDSHAKE_MS });
    // A browser may repeat a request by itself.
    await expect.poll(backend.countLoads).not.toBe(0);
    await expectUnavailable(page, host, backend.origin, !UNREACHED.includes(fault));
    backend.showInstead(undefined);
    await ask(page);
    await page.clock.runFor(HANDSHAKE_MS - 1);
    expect(await answer(page)).toEqual(FULFILLED);
  });
}

test("an address that refuses connections settles WIDGET_UNAVAILABLE, until the widget comes back", async ({
  page,
  host,
  gateway,
}) => {
  await gateway.stop();
  await openWaiting(page, host, { src: `${gateway.origin}/widget/`, handshakeTimeoutMs: HANDSHAKE_MS });
  await expectUnavailable(page, host, gateway.origin, false);
  await gateway.start();
  await ask(page);
  await page.clock.runFor(HANDSHAKE_MS - 1);
  expect(await answer(page)).toMatchObject({ type: FULFILLED.type, payload: { userId: 123 } });
});

test("an address whose name does not resolve settles WIDGET_UNAVAILABLE", async ({ page, host }) => {
  const origin = "http://no-such-host.invalid";
  await openWaiting(page, host, { src: `${origin}/widget/`, handshakeTimeoutMs: HANDSHAKE_MS });
  await expectUnavailable(page, host, origin, false);
});

test("a page that is not the widget is loaded again with growing delays, while a request waits for the widget", async ({
  page,
  host,
  backend,
}) => {
  backend.showInstead((_request, response) => void response.end(NOT_THE_WIDGET));
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: 3_000 });
  // Between half of each delay and the whole delay: many pages must not return to a widget at the same moment.
  for (const [before, waitMs] of [100, 200, 400, 800].entries()) {
    await expect.poll(() => tries(page)).toEqual({ mounted: before + 1, hasLoaded: true });
    await page.clock.runFor(waitMs / 2 - 1);
    expect(await mounted(page)).toBe(before + 1);
    await page.clock.runFor(waitMs / 2 + 1);
    expect(await mounted(page)).toBe(before + 2);
  }
  await expect.poll(() => tries(page)).toEqual({ mounted: 5, hasLoaded: true });
  expect(backend.countLoads()).toBe(5);
});

test("the connector does not load the widget while no request waits, and loads it at once for the next request", async ({
  page,
  host,
  backend,
}) => {
  await openUnavailable(page, host, backend);
  const before = await mounted(page);
  await expect.poll(() => tries(page)).toEqual({ mounted: before, hasLoaded: true });
  await page.clock.runFor(60_000);
  expect(await mounted(page)).toBe(before);
  backend.showInstead(undefined);
  await ask(page);
  expect(await answer(page)).toEqual(FULFILLED);
  expect(await mounted(page)).toBe(before + 1);
});

test("a page that waits for the state `ready` gets it when the widget comes back, also after `ready` has rejected", async ({
  page,
  host,
  backend,
}) => {
  await openUnavailable(page, host, backend);
  backend.showInstead(undefined);
  await page.evaluate(() => {
    window.asked = new Promise((resolve) => window.connector.onStateChange(resolve));
  });
  await page.clock.runFor(HANDSHAKE_MS / 2);
  expect(await answer(page)).toBe("ready");
});

test("a waiting request is answered when the widget comes back in time", async ({ page, host, backend }) => {
  backend.showInstead((_request, response) => void response.writeHead(502).end());
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: 60_000 });
  await expect.poll(() => tries(page)).toEqual({ mounted: 1, hasLoaded: true });
  backend.showInstead(undefined);
  await page.clock.runFor(100);
  expect(await answer(page)).toEqual(FULFILLED);
  await page.evaluate(() => window.connector.ready);
  expect(backend.countLoads()).toBe(2);
});

/** A slow widget: sends its SYN on command, and completes the handshake on command. */
const SLOW_WIDGET = `<!doctype html><script>
  const base = { namespace: "penpal" };
  const heard = [];
  addEventListener("message", ({ data }) => heard.push(data.type));
  window.greet = () => parent.postMessage({ ...base, type: "SYN", participantId: "0" }, "*");
  window.complete = () => {
    const { port1, port2 } = new MessageChannel();
    const value = { ...${JSON.stringify(FULFILLED)} };
    port1.onmessage = ({ data: { id, args } }) =>
      port1.postMessage({ ...base, type: "REPLY", callId: id, value: { ...value, meta: { id: args[0].meta.id } } });
    parent.postMessage({ ...base, type: "ACK2" }, "*", [port2]);
  };
</script>`;

test("a widget that sends its SYN after its page has loaded gets the whole handshake timeout", async ({
  page,
  host,
  backend,
}) => {
  backend.showInstead((_request, response) => void response.setHeader("content-type", "text/html").end(SLOW_WIDGET));
  await openWaiting(page, host, { src: `${backend.origin}/widget/`, handshakeTimeoutMs: 60_000 });
  await expect.poll(() => tries(page)).toEqual({ mounted: 1, hasLoaded: true });
  const widget = page.frames()[1];
  await widget?.evaluate(() => Reflect.get(window, "greet")());
  await expect.poll(() => widget?.evaluate("heard")).toContain("ACK1");
  await page.clock.runFor(10_000);
  expect(await mounted(page)).toBe(1);
  await widget?.evaluate(() => Reflect.get(window, "complete")());
  expect(await answer(page)).toEqual(FULFILLED);
});
