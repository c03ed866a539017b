/** The connector's registration of its page after each handshake, and the widget's response. */
import type { Page } from "@playwright/test";
import type { ConnectorRecord } from "../../host/index.ts";
import { eventTraits } from "../../shared/contracts/contract.ts";
import { announcements, contract } from "../../shared/contracts/index.ts";
import { ASK_123, connectorPage, expect, openConnected } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

declare global {
  interface Window {
    /** The connector's whole record. */
    records: ConnectorRecord[];
  }
}

/** Opens a page that records every event of the connector, with a request made before the handshake. */
async function openRecorded(page: Page, address: string, src: string, app?: { name: string; release: string }) {
  await page.goto(address);
  await page.evaluate(
    async ([widget, event, identity]) => {
      window.connector = window.connect({ src: widget, ...(identity && { app: identity }) });
      window.records = [];
      window.connector.observe((record) => window.records.push(record));
      await window.connector.dispatch(event);
    },
    [src, ASK_123, app] as const,
  );
}

/** The payloads of the registration's settlements, once there are `count`. */
async function registrations(page: Page, count: number): Promise<{ sessionId: string; events: string[] }[]> {
  const payloads = () =>
    page.evaluate(() =>
      window.records.flatMap((record) =>
        record.kind === "settled" && record.event.type === "BUS.REGISTER"
          ? [record.settlement.payload as { sessionId: string; events: string[] }]
          : [],
      ),
    );
  await expect.poll(async () => (await payloads()).length).toBe(count);
  return payloads();
}

test("the connector registers its page before it sends the waiting requests", async ({ page, host, backend }) => {
  await openRecorded(page, host.serve(connectorPage()), `${backend.origin}/widget/`);
  expect(await registrations(page, 1)).toEqual([
    {
      protocol: 1,
      sessionId: expect.stringMatching(/.{8}/),
      events: Object.keys(contract),
      traits: eventTraits(contract, announcements),
    },
  ]);
  const sent = await page.evaluate(() =>
    window.records.flatMap((record) => (record.kind === "sent" ? [record.event] : [])),
  );
  expect(sent.map(({ type }) => type)).toEqual(["BUS.REGISTER", "API.FETCH_USER_AVAILABILITY"]);
  expect(sent[0]?.payload).toEqual({
    origin: host.origin,
    appName: new URL(host.origin).host,
    release: "unknown",
  });
});

test("the page registers its name and release if it has them", async ({ page, host, backend }) => {
  const app = { name: "Acme CRM", release: "7.1" };
  await openRecorded(page, host.serve(connectorPage()), `${backend.origin}/widget/`, app);
  await registrations(page, 1);
  const payload = await page.evaluate(() =>
    window.records.find((record) => record.kind === "sent" && record.event.type === "BUS.REGISTER"),
  );
  expect(payload).toMatchObject({ event: { payload: { origin: host.origin, appName: "Acme CRM", release: "7.1" } } });
});

test("a reload of the widget begins a new session", async ({ page, host, backend }) => {
  await openRecorded(page, host.serve(connectorPage()), `${backend.origin}/widget/`);
  const [before] = await registrations(page, 1);
  await page.frames()[1]?.evaluate(() => location.reload());
  const [, after] = await registrations(page, 2);
  expect(after?.events).toEqual(before?.events);
  expect(after?.sessionId).not.toBe(before?.sessionId);
});

test("an origin that is not the page's own is rejected", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  const settle = (origin: string): Promise<unknown> =>
    page.evaluate(
      (claimed) =>
        window.connector.dispatch({
          type: "BUS.REGISTER",
          payload: { origin: claimed, appName: "crm", release: "1" },
        }),
      origin,
    );
  expect(await settle("https://bank.example.com")).toMatchObject({
    type: "BUS.REGISTER_REJECTED",
    payload: { error: { code: "INVALID_REQUEST", issues: [{ path: "payload.origin" }] } },
  });
  expect(await settle(host.origin)).toMatchObject({ type: "BUS.REGISTER_FULFILLED" });
});

test("a page's listeners receive none of the connector's own requests", async ({ page, host, backend }) => {
  await page.goto(host.serve(connectorPage()));
  const heard = await page.evaluate(
    async ([src, event]) => {
      window.connector = window.connect({ src });
      const types: string[] = [];
      window.connector.on("*", ({ type }) => types.push(type));
      const registered = new Promise<void>((resolve) => {
        window.connector.observe((record) => {
          if (record.kind === "settled" && record.event.type === "BUS.REGISTER") resolve();
        });
      });
      await window.connector.dispatch(event);
      await registered;
      return types;
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
  expect(heard).toEqual(["API.FETCH_USER_AVAILABILITY_FULFILLED"]);
});

test("a frame of the page's own can be adopted again after its connector was destroyed", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith([{ hangs: true }, { status: 200, body: { userId: 123, status: "available", version: 7 } }]);
  await page.goto(host.serve(connectorPage(`<iframe src="${backend.origin}/widget/"></iframe>`)));
  await page.evaluate(async (event) => {
    const frame = document.querySelector("iframe");
    if (!frame) throw new Error("The page has no frame");
    window.connector = window.connect({ frame });
    await window.connector.ready;
    void window.connector.dispatch(event);
  }, ASK_123);
  await expect.poll(() => backend.calls.length).toBe(1);
  const settlement = await page.evaluate((event) => {
    window.connector.destroy();
    const frame = document.querySelector("iframe");
    if (!frame) throw new Error("The connector took the page's own frame");
    window.connector = window.connect({ frame });
    return window.connector.dispatch(event);
  }, ASK_123);
  // Requests of the first connector must not affect the second.
  await backend.calls[0]?.hungUp;
  expect(settlement).toMatchObject({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED" });
});
