/** Host and widget of different ages: unknown parts are passed through or rejected by name, and the rest works. */
import type { Page } from "@playwright/test";
import type { ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { ASK_123, connectorPage, expect, FULFILLED, rejectedBy } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

/** A future widget, which responds with additional keys and values. It uses penpal alone. */
const newerWidget = (host: HostSite): string => `<!doctype html><title>Newer widget</title>
  <script src="${host.origin}/penpal.js"></script>
  <script>
    const newer = { sequence: 1, region: "eu" };
    const FULFILLED = {
      "BUS.REGISTER": { protocol: 2, sessionId: "s", events: ["CALLS.TRANSFER", "API.FETCH_EVERYTHING"], region: "eu" },
      "API.FETCH_USER_AVAILABILITY": { userId: 123, status: "in_a_meeting", version: 7, since: "2031-05-01T10:00:00Z" },
      "CALLS.TRANSFER": { transferred: true },
    };
    const answer = ({ type, meta: { id } }) => Object.hasOwn(FULFILLED, type)
      ? { type: type + "_FULFILLED", payload: FULFILLED[type], meta: { id, ...newer } }
      : {
          type: type + "_REJECTED",
          payload: { error: { code: "QUOTA_EXCEEDED", message: "Too much for today", retryable: true, until: "tomorrow" } },
          meta: { id, source: "bridge", ...newer },
        };
    const { promise } = Penpal.connect({
      messenger: new Penpal.WindowMessenger({ remoteWindow: parent, allowedOrigins: [${JSON.stringify(host.origin)}] }),
      methods: { post: answer },
    });
    window.toHost = async (event) => (await promise).post(event);
  </script>`;

async function openWithNewerWidget(page: Page, host: HostSite, backend: ScriptedBackend): Promise<void> {
  backend.showInstead(
    (_request, response) => void response.setHeader("content-type", "text/html").end(newerWidget(host)),
  );
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (src) => {
    window.connector = window.connect({ src });
    await window.connector.ready;
  }, `${backend.origin}/widget/`);
}

test.describe("a widget that is newer than its host:", () => {
  test("a status and keys that the host does not know are passed through, and read neutrally", async ({
    page,
    host,
    backend,
  }) => {
    await openWithNewerWidget(page, host, backend);
    const { settlement, reading } = await page.evaluate(async (event) => {
      const { readAvailability }: typeof import("../../host/index.ts") = await import(
        new URL("/dist/index.js", location.href).href
      );
      const availability = await window.connector.request(event.type, event.payload);
      return { settlement: await window.connector.dispatch(event), reading: readAvailability(availability) };
    }, ASK_123);
    expect(settlement).toEqual({
      type: FULFILLED.type,
      payload: { userId: 123, status: "in_a_meeting", version: 7, since: "2031-05-01T10:00:00Z" },
    });
    expect(reading).toMatchObject({ callable: false });
  });

  test("another protocol number in its registration does not prevent work with it", async ({ page, host, backend }) => {
    await openWithNewerWidget(page, host, backend);
    const outcome = await page.evaluate(async (event) => {
      const { connector } = window;
      const registration = { origin: location.origin, appName: "crm", release: "1" };
      const registered = await connector.dispatch({ type: "BUS.REGISTER", payload: registration });
      const { type } = await connector.dispatch(event);
      return { registered, type, state: connector.state };
    }, ASK_123);
    expect(outcome).toEqual({
      registered: {
        type: "BUS.REGISTER_FULFILLED",
        payload: { protocol: 2, sessionId: "s", events: ["CALLS.TRANSFER", "API.FETCH_EVERYTHING"], region: "eu" },
      },
      type: FULFILLED.type,
      state: "ready",
    });
  });

  test("a request that the host's version does not know is sent as it is, and its settlement passed on", async ({
    page,
    host,
    backend,
  }) => {
    await openWithNewerWidget(page, host, backend);
    const transfer = { type: "CALLS.TRANSFER", payload: { to: 124 } };
    expect(await page.evaluate((event) => window.connector.dispatch(event), transfer)).toEqual({
      type: "CALLS.TRANSFER_FULFILLED",
      payload: { transferred: true },
    });
  });

  test("a rejection's code that the host does not know reaches the caller unchanged", async ({
    page,
    host,
    backend,
  }) => {
    await openWithNewerWidget(page, host, backend);
    const error = { code: "QUOTA_EXCEEDED", message: "Too much for today", retryable: true, until: "tomorrow" };
    const outcome = await page.evaluate(async () => {
      const { connector } = window;
      const request: (type: string, payload: unknown) => Promise<unknown> = connector.request as never;
      const thrown = await request("API.FETCH_MORE", {}).catch((reason: unknown) => reason);
      const { name, code, retryable, error: untouched } = Object(thrown);
      return { settlement: await connector.dispatch({ type: "API.FETCH_MORE" }), name, code, retryable, untouched };
    });
    expect(outcome).toMatchObject({
      settlement: { type: "API.FETCH_MORE_REJECTED", payload: { error }, meta: { source: "bridge" } },
      name: "RejectedError",
      code: "QUOTA_EXCEEDED",
      retryable: true,
      untouched: error,
    });
  });

  test("an announcement that the host does not know is received, and a request to the page is rejected", async ({
    page,
    host,
    backend,
  }) => {
    await openWithNewerWidget(page, host, backend);
    await page.evaluate(() => {
      const heard: unknown[] = [];
      window.connector.on("*", (event) => heard.push(event));
      Object.assign(window, { heard });
    });
    const say = (event: unknown): Promise<unknown> | undefined =>
      page.frames()[1]?.evaluate((given) => Reflect.get(window, "toHost")(given), event);
    const ringing = { type: "CALLS.RINGING", payload: { from: "+49 30 1234" }, meta: { sequence: 1 } };
    expect(await say(ringing)).toBeUndefined();
    expect(await page.evaluate(() => Reflect.get(window, "heard"))).toEqual([{ ...ringing, meta: {} }]);
    expect(await say({ type: "HOST.OPEN_CONTACT", payload: {}, meta: { id: "h1" } })).toEqual({
      type: "HOST.OPEN_CONTACT_REJECTED",
      payload: { error: { code: "UNKNOWN_EVENT", message: expect.any(String), retryable: false } },
      meta: { id: "h1", source: "bridge" },
    });
  });
});

test.describe("a host that is newer than its widget:", () => {
  /** Posts as a future host: in penpal's protocol, past the checks of the present connector. */
  async function post(page: Page, event: unknown): Promise<unknown> {
    return page.evaluate((given) => window.post(given), event);
  }

  test.beforeEach(async ({ page, host, backend }) => {
    await page.goto(`${host.origin}/plain-penpal.html?widget=${encodeURIComponent(`${backend.origin}/widget/`)}`);
  });

  test("an event that the widget does not know is rejected under its own name", async ({ page }) => {
    expect(await post(page, { type: "CALLS.TRANSFER", payload: { to: 124 }, meta: { id: "n1", priority: 1 } })).toEqual(
      {
        type: "CALLS.TRANSFER_REJECTED",
        payload: {
          error: {
            code: "UNKNOWN_EVENT",
            message: "CALLS.TRANSFER is no event that this widget knows",
            retryable: false,
          },
        },
        meta: { id: "n1", source: "bridge" },
      },
    );
  });

  test("keys of meta that the widget does not know are ignored, and not echoed", async ({ page }) => {
    const meta = { id: "n2", timeoutMs: 5_000, priority: "high", retry: { after: 1 }, traceparent: "00-1-1-00" };
    expect(await post(page, { ...ASK_123, meta })).toEqual({ ...FULFILLED, meta: { id: "n2" } });
  });

  test("keys beside type, payload and meta are ignored", async ({ page }) => {
    expect(await post(page, { ...ASK_123, signature: "…", sentAt: 1 })).toEqual(FULFILLED);
  });

  test("a registration with another protocol number is rejected by its field's name, and requests work all the same", async ({
    page,
    host,
  }) => {
    const payload = { origin: host.origin, appName: "crm", release: "9", protocol: 2 };
    expect(await post(page, { type: "BUS.REGISTER", payload })).toMatchObject({
      type: "BUS.REGISTER_REJECTED",
      payload: { error: { code: "INVALID_REQUEST", issues: [{ path: "payload.protocol" }] } },
      meta: { source: "bridge" },
    });
    expect(await post(page, ASK_123)).toEqual(FULFILLED);
  });

  test("a payload with more than the widget knows is rejected, and requests work all the same", async ({ page }) => {
    const more = { ...ASK_123, payload: { variables: { userId: 123, fields: ["status"] } } };
    expect(await post(page, more)).toMatchObject({ payload: { error: { code: "INVALID_REQUEST" } } });
    expect(await post(page, ASK_123)).toEqual(FULFILLED);
  });

  test("an event of another form altogether is rejected", async ({ page }) => {
    expect(await post(page, { kind: "request", name: "CALLS.TRANSFER" })).toEqual({
      ...Object(rejectedBy("INVALID_REQUEST")),
      type: "BUS.INVALID_EVENT_REJECTED",
      payload: { error: expect.objectContaining({ code: "INVALID_REQUEST" }) },
    });
  });
});
