/** An abort by the caller: before the request is sent, in flight, and after the settlement. */
import type { ServerResponse } from "node:http";
import type { Page } from "@playwright/test";
import type { Connector } from "../../host/index.ts";
import {
  ASK_123,
  AVAILABLE,
  connectorPage,
  expect,
  FULFILLED,
  openConnected,
  rejectedBy,
} from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

declare global {
  interface Window {
    /** Aborts the test's request. */
    controller: AbortController;
    asked: Promise<unknown>;
    /** Settlements received by a listener. */
    heard: unknown[];
    /** Types of the connector's posted and settled events, its own requests included. */
    record: string[];
  }
}

/** Sends a request with a signal, and starts the listener and the record. */
async function askAbortably(page: Page): Promise<void> {
  await page.evaluate((event) => {
    const { connector } = window;
    window.controller = new AbortController();
    window.heard = [];
    window.record = [];
    connector.on("*", (settlement) => window.heard.push(settlement));
    connector.observe((happened) => {
      // The registration after the handshake may be settled at any time.
      if ("event" in happened && happened.event.type === "BUS.REGISTER") return;
      if (happened.kind === "sent") window.record.push(`sent ${happened.event.type}`);
      if (happened.kind === "settled") window.record.push(`settled ${happened.settlement.type}`);
    });
    window.asked = connector.dispatch(event, { signal: window.controller.signal });
  }, ASK_123);
}

const abort = (page: Page): Promise<void> => page.evaluate(() => window.controller.abort(new Error("not needed")));
const answer = (page: Page): Promise<unknown> => page.evaluate(() => window.asked);
const heard = (page: Page): Promise<unknown[]> => page.evaluate(() => window.heard);
const recorded = (page: Page): Promise<string[]> => page.evaluate(() => window.record);

/** Sends another request without a signal. When it settles, late events of the first request would have arrived. */
async function expectFulfils(page: Page): Promise<void> {
  const event = { ...ASK_123, payload: { variables: { userId: 124 } } };
  const settlement = await page.evaluate((another) => window.connector.dispatch(another), event);
  expect(settlement).toMatchObject({ type: FULFILLED.type, payload: { userId: 124 } });
}

const AVAILABLE_124 = { ...AVAILABLE, body: { ...AVAILABLE.body, userId: 124 } };

test("an abort before the request is sent settles it at once, and it is never sent", async ({
  page,
  host,
  backend,
}) => {
  let document: { show(): void } | undefined;
  backend.showInstead((request, response) => {
    document = {
      show() {
        backend.showInstead(undefined);
        response.writeHead(307, { location: request.url }).end();
      },
    };
  });
  backend.answerWith(AVAILABLE_124);
  await page.goto(host.serve(connectorPage()));
  await page.evaluate((src) => {
    window.connector = window.connect({ src });
  }, `${backend.origin}/widget/`);
  await askAbortably(page);
  await expect.poll(() => document).toBeDefined();
  await abort(page);
  expect(await answer(page)).toEqual(rejectedBy("ABORTED"));
  document?.show();
  await expectFulfils(page);
  expect(await heard(page)).toEqual([rejectedBy("ABORTED"), expect.objectContaining({ type: FULFILLED.type })]);
  expect(await recorded(page)).toEqual([
    "settled API.FETCH_USER_AVAILABILITY_REJECTED",
    "sent API.FETCH_USER_AVAILABILITY",
    "settled API.FETCH_USER_AVAILABILITY_FULFILLED",
  ]);
  expect(backend.calls.map(({ path }) => path)).toEqual(["/v1/users/124/availability"]);
});

test("a request whose signal is already aborted is settled and never sent", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  const settlement = await page.evaluate(
    (event) => window.connector.dispatch(event, { signal: AbortSignal.abort() }),
    ASK_123,
  );
  expect(settlement).toEqual(rejectedBy("ABORTED"));
  backend.answerWith(AVAILABLE_124);
  await expectFulfils(page);
  expect(backend.calls).toHaveLength(1);
});

test("an abort in flight settles the request at once, and the backend sees its call cancelled", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith([{ hangs: true }, AVAILABLE_124]);
  await askAbortably(page);
  await expect.poll(() => backend.calls.length).toBe(1);
  await abort(page);
  expect(await answer(page)).toEqual(rejectedBy("ABORTED"));
  await backend.calls[0]?.hungUp;
  await expectFulfils(page);
  expect(await heard(page)).toEqual([rejectedBy("ABORTED"), expect.objectContaining({ type: FULFILLED.type })]);
  expect(await recorded(page)).toEqual([
    "sent API.FETCH_USER_AVAILABILITY",
    "settled API.FETCH_USER_AVAILABILITY_REJECTED",
    "sent BUS.CANCEL",
    "settled BUS.CANCEL_FULFILLED",
    "sent API.FETCH_USER_AVAILABILITY",
    "settled API.FETCH_USER_AVAILABILITY_FULFILLED",
  ]);
});

test("an aborted `request` throws the very reason of its signal", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  const isReason = await page.evaluate(async ({ type, payload }) => {
    const controller = new AbortController();
    const reason = { why: "the reader has gone on" };
    const asked = window.connector.request(type, payload, { signal: controller.signal });
    controller.abort(reason);
    return asked.catch((error: unknown) => error === reason);
  }, ASK_123);
  expect(isReason).toBe(true);
});

test("an abort by one of two requests that share a backend call leaves the call to the other", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  let held: ServerResponse | undefined;
  backend.answerWith((_request, response) => {
    held = response;
  });
  const other = await page.evaluateHandle((event) => {
    const { connector }: { connector: Connector } = window;
    return { settlement: connector.dispatch(event) };
  }, ASK_123);
  await askAbortably(page);
  await expect.poll(() => held).toBeDefined();
  await abort(page);
  expect(await answer(page)).toEqual(rejectedBy("ABORTED"));
  // The widget has cancelled before it settles a later request.
  await page.evaluate(() => window.connector.dispatch({ type: "BUS.PING", payload: {} }));
  held?.setHeader("content-type", "application/json").end(JSON.stringify(AVAILABLE.body));
  expect(await other.evaluate(({ settlement }) => settlement)).toEqual(FULFILLED);
  expect(backend.calls).toHaveLength(1);
});

test("an abort after the settlement changes nothing and reaches no listener", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  await askAbortably(page);
  expect(await answer(page)).toEqual(FULFILLED);
  await abort(page);
  backend.answerWith(AVAILABLE_124);
  await expectFulfils(page);
  expect(await answer(page)).toEqual(FULFILLED);
  expect(await heard(page)).toEqual([FULFILLED, expect.objectContaining({ type: FULFILLED.type })]);
  expect(await recorded(page)).toEqual([
    "sent API.FETCH_USER_AVAILABILITY",
    "settled API.FETCH_USER_AVAILABILITY_FULFILLED",
    "sent API.FETCH_USER_AVAILABILITY",
    "settled API.FETCH_USER_AVAILABILITY_FULFILLED",
  ]);
});
