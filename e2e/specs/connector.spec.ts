/** The built connector and the built widget, on two sites. */
import type { Page } from "@playwright/test";
import { ASK_123, collectComplaints, connectorPage, expect, openConnected } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

const FULFILLED = {
  type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
  payload: { userId: 123, status: "available", version: 7 },
};

test("requests made before the handshake wait for it and fulfil", async ({ page, host, backend }) => {
  await page.goto(host.serve(connectorPage()));
  const outcome = await page.evaluate(
    async ([src, event]) => {
      const connector = window.connect({ src });
      const asked = [connector.dispatch(event), connector.request(event.type, event.payload)] as const;
      return { state: connector.state, answers: await Promise.all(asked), later: connector.state };
    },
    [`${backend.origin}/widget/`, ASK_123] as const,
  );
  expect(outcome).toEqual({ state: "connecting", answers: [FULFILLED, FULFILLED.payload], later: "ready" });
});

test("an abort reaches the backend", async ({ page, host, backend }) => {
  backend.answerWith({ hangs: true });
  await openConnected(page, host, backend.origin);
  await page.evaluate((event) => {
    const controller = new AbortController();
    const settled = window.connector.dispatch(event, { signal: controller.signal });
    Object.assign(window, { controller, settled });
  }, ASK_123);
  await expect.poll(() => backend.calls.length).toBe(1);
  const settlement = await page.evaluate(() => {
    Reflect.get(window, "controller").abort();
    return Reflect.get(window, "settled");
  });
  expect(settlement).toMatchObject({ payload: { error: { code: "ABORTED" } }, meta: { source: "bridge" } });
  await backend.calls[0]?.hungUp;
});

test("two requests for one user at once make one call", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  const answers = await page.evaluate(
    (event) => Promise.all([window.connector.dispatch(event), window.connector.dispatch(event)]),
    ASK_123,
  );
  expect(answers).toEqual([FULFILLED, FULFILLED]);
  expect(backend.calls).toHaveLength(1);
});

test("two connectors on a page receive nothing from each other", async ({ page, host, gateway }) => {
  await page.goto(host.serve(connectorPage()));
  const outcome = await page.evaluate(async (src) => {
    const ask = async (userId: number): Promise<unknown> => {
      const connector = window.connect({ src });
      const heard: unknown[] = [];
      connector.on("*", ({ payload }) => heard.push(Reflect.get(Object(payload), "userId")));
      const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } }, meta: { id: "same" } };
      const { payload } = await connector.dispatch(event);
      return { asked: userId, answered: Reflect.get(Object(payload), "userId"), heard };
    };
    return Promise.all([ask(101), ask(102)]);
  }, `${gateway.origin}/widget/`);
  expect(outcome).toEqual([
    { asked: 101, answered: 101, heard: [101] },
    { asked: 102, answered: 102, heard: [102] },
  ]);
});

test("a value that cannot be posted is rejected by the field's name, and disturbs no request in flight", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  const { answer, messages } = await page.evaluate(async (event) => {
    const { connector } = window;
    const type: string = event.type;
    let deep: unknown = 1;
    for (let level = 0; level < 32; level++) deep = { deeper: deep };
    const getter = {
      get userId() {
        return 123;
      },
    };
    const cycle: Record<string, unknown> = {};
    cycle["again"] = cycle;
    const inFlight = connector.dispatch(event);
    const refused = await Promise.all(
      [
        { type, payload: { text: "x".repeat(65_536) } },
        { type, payload: deep },
        { type, payload: { variables: getter } },
        { type, payload: { variables: { userId: () => 123 } } },
        { type, payload: { variables: { userId: 123n } } },
        { type, payload: cycle },
      ].map((bad) => connector.dispatch(bad)),
    );
    return {
      answer: await inFlight,
      messages: refused.map(({ payload }) => {
        const { code, message } = Reflect.get(Object(payload), "error");
        return `${code} ${message}`;
      }),
    };
  }, ASK_123);
  expect(answer).toEqual(FULFILLED);
  expect(messages).toEqual([
    "INVALID_REQUEST event: expected at most 65536 bytes of JSON",
    expect.stringMatching(/^INVALID_REQUEST payload(\.deeper)+: expected at most 32 levels/),
    "INVALID_REQUEST payload.variables.userId: expected JSON, not an accessor",
    "INVALID_REQUEST payload.variables.userId: expected JSON, not function",
    "INVALID_REQUEST payload.variables.userId: expected JSON, not bigint",
    expect.stringMatching(/^INVALID_REQUEST payload(\.again)+: expected at most 32 levels and no cycle/),
  ]);
  expect(backend.calls).toHaveLength(1);
});

test("a second request with an id in flight is rejected, and the first one fulfils", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  const answers = await page.evaluate((event) => {
    const named = { ...event, meta: { id: "twin" } };
    return Promise.all([window.connector.dispatch(named), window.connector.dispatch(named)]);
  }, ASK_123);
  expect(answers).toMatchObject([
    { ...FULFILLED, meta: { id: "twin" } },
    { payload: { error: { code: "INVALID_REQUEST", issues: [{ path: "meta.id" }] } }, meta: { id: "twin" } },
  ]);
});

test("works without a violation on a page whose policy allows only the widget", async ({ page, host, backend }) => {
  const complaints = await collectComplaints(page);
  const policy = [
    "default-src 'none'",
    "script-src 'self' 'nonce-once'",
    "img-src data:",
    `frame-src ${backend.origin}`,
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  await page.goto(host.serve(connectorPage("", "once"), { "content-security-policy": policy }));
  expect(await dispatchWith(page, `${backend.origin}/widget/`)).toEqual(FULFILLED);
  expect(complaints).toEqual([]);
});

async function dispatchWith(page: Page, src: string): Promise<unknown> {
  return page.evaluate(([address, event]) => window.connect({ src: address }).dispatch(event), [src, ASK_123] as const);
}
