/** Requests and their settlements, over the built files, in WebKit. */
import { expect } from "vitest";
import { goldenExchanges } from "../../gateway/test/golden-exchanges.ts";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { ASK_123, connectorPage } from "../fixtures/host-page.ts";
import { ask, openConnected, test } from "./test.ts";

const FULFILLED = {
  type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
  payload: { userId: 123, status: "available", version: 7 },
};

test("a request made before the handshake waits for it and fulfils", async ({ page, host, backend }) => {
  await page.open(host.serve(connectorPage()));
  const outcome = await page.evaluate(
    async (src, event) => {
      const connector = window.connect({ src });
      return { before: connector.state, answer: await connector.dispatch(event), after: connector.state };
    },
    `${backend.origin}/widget/`,
    ASK_123,
  );
  expect(outcome).toEqual({ before: "connecting", answer: FULFILLED, after: "ready" });
});

test("the backend's 404 is the error, unchanged", async ({ page, host, backend }) => {
  const golden = goldenExchanges.find(
    ({ file, name }) => file === "fetch-user-availability.json" && name.startsWith("backend says 404"),
  );
  if (!golden) throw new Error("No golden exchange has a 404");
  await openConnected(page, host, backend.origin);
  backend.answerWith(golden.backend);
  const settlement = await page.evaluate((event) => window.connector.dispatch(event as never), golden.event);
  expect(settlement).toEqual(golden.settlement);
});

test("an invalid id makes an invalid request, which never reaches the backend", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  const settlement = await page.evaluate((event) => window.connector.dispatch(event), {
    type: ASK_123.type,
    payload: { variables: { userId: "123" } },
  } as never);
  expect(settlement).toMatchObject({
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: { error: { code: "INVALID_REQUEST", issues: [{ path: "payload.variables.userId" }] } },
    meta: { source: "bridge" },
  });
  expect(backend.calls).toHaveLength(0);
});

test("an abort reaches the backend", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  await ask(page, 10_000);
  await expect.poll(() => backend.calls.length).toBe(1);
  const settlement = await page.evaluate(() => {
    window.inFlight.abort();
    return window.inFlight.settled;
  });
  expect(settlement).toMatchObject({ payload: { error: { code: "ABORTED" } }, meta: { source: "bridge" } });
  await backend.calls[0]?.hungUp;
});

test("two connectors on a page receive nothing from each other", async ({ page, host, gateway }) => {
  await page.open(host.serve(connectorPage()));
  const outcome = await page.evaluate(async (src) => {
    const askOn = async (userId: number): Promise<unknown> => {
      const connector = window.connect({ src });
      const heard: unknown[] = [];
      connector.on("*", ({ payload }) => heard.push(Reflect.get(Object(payload), "userId")));
      const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId } }, meta: { id: "same" } };
      const { payload } = await connector.dispatch(event);
      return { asked: userId, answered: Reflect.get(Object(payload), "userId"), heard };
    };
    return Promise.all([askOn(101), askOn(102)]);
  }, `${gateway.origin}/widget/`);
  expect(outcome).toEqual([
    { asked: 101, answered: 101, heard: [101] },
    { asked: 102, answered: 102, heard: [102] },
  ]);
});

test("a page that is not on the list gets no widget, and its requests are rejected by the handshake's deadline", async ({
  page,
  host,
}) => {
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: ["https://crm.example.com"] });
  await page.open(host.serve(connectorPage()));
  const outcome = await page.evaluate(
    async (src, event) => {
      const connector = window.connect({ src, handshakeTimeoutMs: 500 });
      const settled = connector.dispatch(event, { timeoutMs: 1_000 });
      const reason: unknown = await connector.ready.then(
        () => "ready",
        ({ name, code }: { name: string; code: string }) => `${name} ${code}`,
      );
      return { reason, settlement: await settled };
    },
    `${backend.origin}/widget/`,
    ASK_123,
  );
  expect(outcome).toMatchObject({
    reason: "ConnectionError WIDGET_UNAVAILABLE",
    settlement: { payload: { error: { code: "WIDGET_UNAVAILABLE" } } },
  });
  expect(backend.calls).toHaveLength(0);
  await backend.close();
});

test("the script tag serves callbacks pushed before and after it loaded", async ({ page, host, backend }) => {
  const early = `(window.availabilityBridge ||= []).push(async (connector) => {
    const payload = { variables: { userId: 123 } };
    document.title = (await connector.request("API.FETCH_USER_AVAILABILITY", payload)).status;
  });`;
  const tag = `<script async src="${backend.origin}/embed.js"></script>`;
  await page.open(host.serve(`<!doctype html><title>-</title>${tag}<script>${early}</script>`));
  await expect.poll(() => page.title()).toBe("available");
  // The page has loaded, and its script with it.
  const later = await page.evaluate(
    (type, payload) =>
      new Promise((resolve) => {
        window.availabilityBridge?.push((connector) => resolve(connector.request(type, payload)));
      }),
    ASK_123.type,
    ASK_123.payload,
  );
  expect(later).toEqual(FULFILLED.payload);
});

test("a plain penpal page gets the agent's availability from the running gateway", async ({ page, host, gateway }) => {
  await page.open(`${host.origin}/plain-penpal.html?widget=${encodeURIComponent(`${gateway.origin}/widget/`)}`);
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toMatchObject({
    type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
    payload: { userId: 123, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 0 },
  });
});

test("the script tag loads the badge's file, which shows its agent, also under trusted types", async ({
  page,
  host,
  gateway,
}) => {
  const badge = `<script async nonce="once" src="${gateway.origin}/embed.js"></script>
    <availability-badge user-id="123"></availability-badge>`;
  for (const policy of ["script-src 'nonce-once'", "require-trusted-types-for 'script'; trusted-types 'none'"]) {
    await page.open(host.serve(`<!doctype html><title>-</title>${badge}`, { "content-security-policy": policy }));
    const readText = () => page.evaluate(() => document.querySelector("availability-badge")?.shadowRoot?.textContent);
    await expect.poll(readText).toBe("Available");
  }
});
