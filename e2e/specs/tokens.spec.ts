/** The page's token, from the page through the widget to the backend only. */
import type { Frame, Page } from "@playwright/test";
import type { RawAnswer, ScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import type { FetchToken } from "../../host/index.ts";
import {
  ASK_123,
  AVAILABLE,
  collectErrors,
  connectorPage,
  expect,
  FULFILLED,
  stopClock,
  test,
  type Waits,
} from "../fixtures/fixtures.ts";
import { readAlong } from "../fixtures/forged-messages.ts";
import type { Sites } from "../fixtures/sites.ts";
import { widgetFrame } from "../fixtures/unresponsive-widget.ts";

declare global {
  interface Window {
    /** Source of the page's tokens, and the number of fetches. */
    fetchToken: FetchToken;
    timesAsked: number;
  }
}

const UNAUTHORIZED = {
  status: 401,
  headers: { "www-authenticate": "Bearer" },
  body: { type: "about:blank", title: "Unauthorized", status: 401, detail: "The token has been revoked" },
} as const;

/** Rejection of a request if the page's function gives no token. */
const UNAVAILABLE = { payload: { error: { code: "TOKEN_UNAVAILABLE", retryable: true } }, meta: { source: "bridge" } };

const REFUSED = {
  type: `${ASK_123.type}_REJECTED`,
  payload: { error: UNAUTHORIZED.body },
  meta: { source: "backend", status: 401 },
};

/** Serves the token's owner only. */
function accepting(token: string): RawAnswer {
  return ({ headers }, response) => {
    const { status, body } = headers.authorization === `Bearer ${token}` ? AVAILABLE : UNAUTHORIZED;
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

const authorizations = ({ calls }: ScriptedBackend): unknown => calls.map(({ headers }) => headers.authorization);

interface TokenPage extends Pick<Sites, "host" | "backend"> {
  /**
   * Source of the `fetchToken` function in the page's script, with the number of calls and the options of `fetchToken`.
   */
  readonly source: string;
  readonly waits?: Waits;
}

/** Opens a page whose connector provides tokens. */
async function openWithTokens(page: Page, { host, backend, source, waits = {} }: TokenPage): Promise<void> {
  const script = `<script>
    window.timesAsked = 0;
    const source = ${source};
    window.fetchToken = (options) => source(window.timesAsked += 1, options);
  </script>`;
  await page.goto(host.serve(connectorPage(script)));
  await page.evaluate(
    (options) => {
      window.connector = window.connect({ ...options, fetchToken: window.fetchToken });
    },
    { src: `${backend.origin}/widget/`, ...waits },
  );
}

const ask = (page: Page): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);
/** Sends a request through the script tag's connector, before or after the script has loaded. */
const askThroughQueue = (page: Page): Promise<unknown> =>
  page.evaluate(
    (event) =>
      new Promise((resolve) => {
        window.availabilityBridge ??= [];
        window.availabilityBridge.push((connector) => resolve(connector.dispatch(event)));
      }),
    ASK_123,
  );
const countAsked = (page: Page): Promise<number> => page.evaluate(() => window.timesAsked);

/** A page with penpal alone, which exposes the given methods. `window.post` is the widget's. */
function penpalPage(widget: string, methods: string): string {
  return `<!doctype html><html lang="en"><head><title>penpal</title><link rel="icon" href="data:,">
    <script src="/penpal.js"></script></head><body><iframe src="${widget}"></iframe><script>
      const remoteWindow = document.querySelector("iframe").contentWindow;
      let messenger;
      function connect(methods) {
        // Stops listening without a word to the widget.
        messenger?.destroy();
        messenger = new Penpal.WindowMessenger({ remoteWindow, allowedOrigins: ["${new URL(widget).origin}"] });
        const connected = Penpal.connect({ messenger, methods }).promise;
        window.post = async (event) => (await connected).post(event);
      }
      connect(${methods});
    </script></body></html>`;
}

test("the token of fetchToken goes to the backend in the Authorization header, and is kept for the next request", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith(accepting("t1"));
  await openWithTokens(page, { host, backend, source: '() => "t1"' });
  expect(await ask(page)).toEqual(FULFILLED);
  expect(await ask(page)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t1"]);
  expect(await countAsked(page)).toBe(1);
});

test("a connector without requests has fetched its token already", async ({ page, host, backend }) => {
  await openWithTokens(page, { host, backend, source: 'async () => "t1"' });
  await expect.poll(() => countAsked(page)).toBe(1);
  expect(backend.calls).toHaveLength(0);
});

test("a token is in no address, no console, no document, no storage and no record of the connector", async ({
  page,
  host,
  backend,
}) => {
  const secret = "e30.s3cret.c2ln";
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => said.push(request.url()));
  backend.answerWith([UNAUTHORIZED, AVAILABLE]);
  await openWithTokens(page, { host, backend, source: `(count) => count === 1 ? "${secret}" : "${secret}2"` });
  await page.evaluate(() => {
    const keep = (heard: unknown): void => console.log(JSON.stringify(heard));
    window.connector.on("*", keep);
    window.connector.observe(keep);
  });
  expect(await ask(page)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual([`Bearer ${secret}`, `Bearer ${secret}2`]);
  const shown = await widgetFrame(page, backend).evaluate(() => document.documentElement.outerHTML);
  const stored = JSON.stringify(await page.context().storageState({ indexedDB: true }));
  expect(said.join()).toContain(`"type":"${FULFILLED.type}"`);
  expect([...said, shown, stored].filter((text) => text.includes("s3cret"))).toEqual([]);
});

test("data-token-url gets the token with the page's own cookies, past every cache", async ({ page, host, backend }) => {
  const address = host.serve('{ "token": "t1" }', {
    "content-type": "application/json",
    "cache-control": "max-age=60",
  });
  await page.context().addCookies([{ name: "session", value: "of-the-page", url: host.origin }]);
  const tag = `<script async src="${backend.origin}/embed.js" data-token-url="${new URL(address).pathname}"></script>`;
  // A cache could hold the token of an earlier user.
  await page.goto(address);
  await page.goto(host.serve(`<!doctype html><title>Host</title>${tag}`));
  expect(await askThroughQueue(page)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1"]);
  expect(host.requestsFor(address)).toHaveLength(2);
  expect(host.requestsFor(address)[1]).toMatchObject({ cookie: "session=of-the-page" });
});

test("data-token-url is relative to the page's own address, also if markup has a <base> of another site", async ({
  page,
  host,
  foreign,
  backend,
}) => {
  const headers = { "content-type": "application/json", "access-control-allow-origin": "*" };
  const path = new URL(host.serve('{ "token": "t1" }', headers)).pathname;
  // The same path at the other site.
  expect(new URL(foreign.serve('{ "token": "stolen" }', headers)).pathname).toBe(path);
  const tag = `<script async src="${backend.origin}/embed.js" data-token-url="${path}"></script>`;
  await page.goto(host.serve(`<!doctype html><title>Host</title><base href="${foreign.origin}/">${tag}`));
  expect(await askThroughQueue(page)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1"]);
});

test("a data-token-url that gives no token is reported in the page's console, and no call is made without a token", async ({
  page,
  host,
  backend,
}) => {
  const tag = `<script async src="${backend.origin}/embed.js" data-token-url="/not-found"></script>`;
  const thrown = page.waitForEvent("pageerror");
  await page.goto(host.serve(`<!doctype html><title>Host</title>${tag}`));
  expect((await thrown).message).toBe("data-token-url: expected a token, not an answer with status 404");
  expect(await askThroughQueue(page)).toMatchObject(UNAVAILABLE);
  expect(authorizations(backend)).toEqual([]);
});

test("a data-token-url that is not an http address is named in an error", async ({ page, host, backend }) => {
  const tag = `<script async src="${backend.origin}/embed.js" data-token-url="data:,t1"></script>`;
  const thrown = page.waitForEvent("pageerror");
  await page.goto(host.serve(`<!doctype html><title>Host</title>${tag}`));
  expect((await thrown).message).toContain("data-token-url: expected an http(s) address");
});

test("a page without a token gets the backend's own 401 as its rejection", async ({ page, host, backend }) => {
  backend.answerWith(accepting("t1"));
  await page.goto(host.serve(connectorPage()));
  await page.evaluate((src) => {
    window.connector = window.connect({ src });
  }, `${backend.origin}/widget/`);
  expect(await ask(page)).toEqual(REFUSED);
  expect(authorizations(backend)).toEqual([undefined]);
});

test("after a 401 one more token is fetched and one more call is made", async ({ page, host, backend }) => {
  backend.answerWith(accepting("t2"));
  await openWithTokens(page, { host, backend, source: '(count) => "t" + count' });
  expect(await ask(page)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t2"]);
  expect(await countAsked(page)).toBe(2);
});

test("a page whose every token is rejected gets the 401 after two calls, and no loop", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith(UNAUTHORIZED);
  await openWithTokens(page, { host, backend, source: '(count) => "t" + count' });
  expect(await ask(page)).toEqual(REFUSED);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t2"]);
  expect(await countAsked(page)).toBe(2);
});

test("a page whose fetchToken fails makes no call without a token, and its error stays in the page", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith(UNAUTHORIZED);
  const thrown = page.waitForEvent("pageerror");
  await openWithTokens(page, { host, backend, source: '() => { throw new Error("nobody has signed in"); }' });
  expect(await ask(page)).toMatchObject(UNAVAILABLE);
  expect((await thrown).message).toContain("nobody has signed in");
  expect(authorizations(backend)).toEqual([]);
});

test("a page whose fetchToken never settles gets a rejection after 5 s, and no call is made without a token", async ({
  page,
  host,
  backend,
}) => {
  await stopClock(page);
  // With a clock that jumps, the widget's heartbeats would come too late.
  const waits = { heartbeatMs: 60_000 };
  await openWithTokens(page, { host, backend, source: "() => new Promise(() => {})", waits });
  const settlement = ask(page);
  // The page's early call is no sign of the widget's own wait, but the settlement of a later event is.
  await page.evaluate(() => window.connector.dispatch({ type: "API.UNKNOWN" }));
  expect(await countAsked(page)).toBe(1);
  await page.clock.runFor(4_999);
  expect(backend.calls).toHaveLength(0);
  await page.clock.runFor(1);
  expect(await settlement).toMatchObject(UNAVAILABLE);
  expect(authorizations(backend)).toEqual([]);
});

test("a watch is live once a fetchToken that failed at first works, and refreshToken asks at once", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith({ status: 200, body: { userId: 123, status: "available", version: 1 } });
  const source = '(count) => { if (count < 3) throw new Error("a short outage"); return "t" + count; }';
  await openWithTokens(page, { host, backend, source });
  const first = await page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const statuses: string[] = [];
        window.connector.watch(123, () => {}, {
          onStatus: ({ status, error }) => {
            statuses.push(error?.code ?? status);
            if (status === "live") resolve(statuses);
          },
        });
      }),
  );
  expect(first).toEqual(["TOKEN_UNAVAILABLE", "live"]);
  const before = await countAsked(page);
  await page.evaluate(() => window.connector.refreshToken());
  expect(await countAsked(page)).toBe(before + 1);
  expect(authorizations(backend)).not.toContain(undefined);
});

test("a plain penpal page that exposes no method is answered without a token", async ({ page, host, backend }) => {
  await page.goto(host.serve(penpalPage(`${backend.origin}/widget/`, "{}")));
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual([undefined]);
});

test("a plain penpal page that never answers is answered without a token after 5 s", async ({
  page,
  host,
  backend,
}) => {
  await stopClock(page);
  const methods = "{ post() { window.timesAsked = 1; return new Promise(() => {}); } }";
  await page.goto(host.serve(penpalPage(`${backend.origin}/widget/`, methods)));
  const settlement = page.evaluate((event) => window.post(event), ASK_123);
  await expect.poll(() => countAsked(page)).toBe(1);
  await page.clock.runFor(5_000);
  expect(await settlement).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual([undefined]);
});

test("a plain penpal page gives a token by its own method", async ({ page, host, backend }) => {
  const methods = `{ post: ({ type }) => ({ type: type + "_FULFILLED", payload: { token: "t1" } }) }`;
  await page.goto(host.serve(penpalPage(`${backend.origin}/widget/`, methods)));
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1"]);
});

test("a connector never uses the token of the connector before it in the same frame", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(connectorPage(`<iframe src="${backend.origin}/widget/"></iframe>`)));
  /** Sends a request over the only frame with the given token, and leaves the frame to the next connector. */
  const askAs = (token: string | null): Promise<unknown> =>
    page.evaluate(
      async ([event, given]) => {
        const frame = document.querySelector("iframe");
        if (!frame) throw new Error("The page has no frame");
        const connector = window.connect({ frame, ...(given !== null && { fetchToken: () => given }) });
        const settlement = await connector.dispatch(event);
        connector.destroy();
        return settlement;
      },
      [ASK_123, token] as const,
    );
  for (const token of ["t1", "t2", null, "t4"]) expect(await askAs(token)).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1", "Bearer t2", undefined, "Bearer t4"]);
});

test("a plain penpal page that connects again without ending its connection is asked for its token again", async ({
  page,
  host,
  backend,
}) => {
  const methods = `{ post: ({ type }) => ({ type: type + "_FULFILLED", payload: { token: "t1" } }) }`;
  await page.goto(host.serve(penpalPage(`${backend.origin}/widget/`, methods)));
  const ask123 = (): Promise<unknown> => page.evaluate((event) => window.post(event), ASK_123);
  expect(await ask123()).toEqual(FULFILLED);
  await page.evaluate("connect({})");
  expect(await ask123()).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer t1", undefined]);
});

test("a page that connects again while requests are in flight causes no uncaught error in the widget's frame", async ({
  page,
  host,
  backend,
}) => {
  const errors = collectErrors(page);
  await page.addInitScript(() => {
    // Not every driver reports the unhandled rejections of a frame.
    addEventListener("unhandledrejection", ({ reason }) => reportError(reason));
  });
  await page.goto(host.serve(penpalPage(`${backend.origin}/widget/`, "{}")));
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toEqual(FULFILLED);
  backend.answerWith([{ hangs: true }, AVAILABLE]);
  await page.evaluate((event) => void window.post(event), ASK_123);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.evaluate("connect({})");
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toEqual(FULFILLED);
  expect(errors).toEqual([]);
});

test("a request's trace context goes along to the backend, and a malformed one does not", async ({
  page,
  host,
  backend,
}) => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await openWithTokens(page, { host, backend, source: '() => "t1"' });
  const askIn = (context: string): Promise<unknown> =>
    page.evaluate(([event, given]) => window.connector.dispatch({ ...event, meta: { traceparent: given } }), [
      ASK_123,
      context,
    ] as const);
  expect(await askIn(traceparent)).toEqual(FULFILLED);
  expect(await askIn("00-1-1-00")).toEqual(FULFILLED);
  expect(backend.calls.map(({ headers }) => headers["traceparent"])).toEqual([traceparent, undefined]);
});

/** Waits for the widget's request for the page's token, and returns its id. */
async function readCallId(widget: Frame): Promise<string> {
  const find = (): Promise<string> =>
    widget.evaluate(() => {
      const posted: { id: string; args?: { type: string }[] }[] = Reflect.get(window, "posted");
      return posted.find(({ args }) => args?.[0]?.type === "HOST.FETCH_TOKEN")?.id ?? "";
    });
  await expect.poll(find).not.toBe("");
  return find();
}

/** Script of a frame that requests the page's token and gives the widget a token of its own. `heard` is the result. */
function attackTokens(callId: string): void {
  const heard: unknown[] = [];
  Object.assign(window, { heard });
  addEventListener("message", ({ data }) => heard.push(data));
  const base = { namespace: "penpal" };
  const question = { ...base, type: "CALL", id: "a", methodPath: ["post"], args: [{ type: "HOST.FETCH_TOKEN" }] };
  const fulfilled = { type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token: "forged" } };
  for (const target of [parent, ...Array.from({ length: parent.length }, (_, index) => parent[index])]) {
    if (!target || target === window) continue;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      heard.push(data);
      // If the port were accepted as the page's, the widget would send requests over it.
      port1.postMessage({ ...base, type: "REPLY", callId: data.id, value: fulfilled });
    };
    const reply = { ...base, type: "REPLY", callId, value: fulfilled };
    target.postMessage(reply, "*");
    target.postMessage(question, "*");
    for (const participantId of ["!", "~~"]) target.postMessage({ ...base, type: "SYN", participantId }, "*");
    target.postMessage({ ...base, type: "ACK1", methodPaths: [["post"]] }, "*");
    target.postMessage({ ...base, type: "ACK2" }, "*", [port2]);
    for (const message of [reply, question]) port1.postMessage(message);
    target.postMessage("the last of the attack", "*");
  }
}

test("a sibling frame neither gets the page's token nor gives the widget one", async ({
  page,
  host,
  backend,
  foreign,
}) => {
  await page.addInitScript(readAlong);
  await page.addInitScript(() => {
    Object.assign(window, { attacked: false });
    addEventListener("message", ({ data }) => {
      if (data === "the last of the attack") Object.assign(window, { attacked: true });
    });
  });
  const source = "() => new Promise((resolve) => { window.giveToken = () => resolve('of-the-page'); })";
  await openWithTokens(page, { host, backend, source });
  const settlement = ask(page);
  // The page's function has been called before there is a widget, which asks once it has connected.
  await page.evaluate(() => window.connector.ready);
  const widget = widgetFrame(page, backend);
  const callId = await readCallId(widget);
  await page.evaluate(
    (src) =>
      new Promise((resolve) => {
        const frame = Object.assign(document.createElement("iframe"), { src });
        frame.addEventListener("load", resolve);
        document.body.append(frame);
      }),
    foreign.serve("<!doctype html><title>Attacker</title>"),
  );
  const attacker = widgetFrame(page, foreign);
  await attacker.evaluate(attackTokens, callId);
  for (const window of [page.mainFrame(), widget]) await expect.poll(() => window.evaluate("attacked")).toBe(true);
  await page.evaluate("giveToken()");
  expect(await settlement).toEqual(FULFILLED);
  expect(authorizations(backend)).toEqual(["Bearer of-the-page"]);
  expect(await countAsked(page)).toBe(1);
  expect(await attacker.evaluate("heard")).toEqual([]);
});
