/** Attacks by a value's name, depth or size, in both directions. */
import type { Page } from "@playwright/test";
import { ASK_123, AVAILABLE, connectorPage, expect, FULFILLED, openConnected, test } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { type HostileAnswer, hostileWidget } from "../fixtures/hostile-pages.ts";

declare global {
  interface Window {
    /** Calls the widget's method at a path, on pages made by `plainPage`. */
    call(methodPath: readonly string[], event: unknown): Promise<unknown>;
  }
}

/** Names that objects inherit from their prototype, and the name that sets the prototype. */
const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"];

/** Paths to unexposed values, through properties that every object and every function has. */
const PATHS = [
  ["__proto__"],
  ["__proto__", "x"],
  ["__proto__", "constructor"],
  ["constructor"],
  ["constructor", "constructor"],
  ["toString"],
  ["post", "constructor"],
  ["post", "__proto__", "constructor"],
  ["post", "call"],
  ["post", "toString"],
  [],
];

/** Opens a page that talks to the widget by handmade messages in penpal's form. */
async function openPlain(page: Page, host: HostSite, origin: string): Promise<void> {
  const html = `<!doctype html><title>Plain</title><link rel="icon" href="data:,"><iframe></iframe><script>
    const answers = new Map();
    const forge = (message) => ({ namespace: "penpal", ...message });
    let port;
    const connected = new Promise((resolve) => {
      addEventListener("message", ({ source, data }) => {
        if (source !== frames[0] || data.type !== "ACK1") return;
        const channel = new MessageChannel();
        port = channel.port1;
        port.onmessage = ({ data }) => {
          answers.get(data.callId)?.(data);
          // As penpal does for a page that exposes no method.
          if (data.type === "CALL") port.postMessage(forge({ type: "REPLY", callId: data.id, isError: true }));
        };
        source.postMessage(forge({ type: "ACK2" }), "${origin}", [channel.port2]);
        resolve();
      });
    });
    const frame = document.querySelector("iframe");
    frame.onload = () => frames[0].postMessage(forge({ type: "SYN", participantId: "!" }), "${origin}");
    frame.src = "${origin}/widget/";
    window.call = async (methodPath, event) => {
      await connected;
      const id = crypto.randomUUID?.() ?? Math.random();
      return new Promise((resolve) => {
        answers.set(id, resolve);
        port.postMessage(forge({ type: "CALL", id, methodPath, args: [event] }));
      });
    };
  </script>`;
  await page.goto(host.serve(html));
}

const callWidget = (page: Page, path: readonly string[], event: unknown): Promise<unknown> =>
  page.evaluate(([methodPath, json]) => window.call(methodPath, JSON.parse(json)), [path, toText(event)] as const);

const dispatchText = (page: Page, text: string): Promise<unknown> =>
  page.evaluate((json) => window.connector.dispatch(JSON.parse(json)), text);

/** JSON text, in which `__proto__` is an ordinary key; in an object literal it would set the prototype. */
const toText = (event: unknown): string => (typeof event === "string" ? event : JSON.stringify(event));

/** True if the prototype of all objects of the page was changed. */
const isPolluted = (): boolean => Reflect.has({}, "polluted") || Reflect.has(() => {}, "polluted");

async function expectUnpolluted(page: Page): Promise<void> {
  for (const frame of page.frames()) expect(await frame.evaluate(isPolluted)).toBe(false);
}

const refusal = (type: string, code: string) => ({
  type: `${type}_REJECTED`,
  payload: { error: expect.objectContaining({ code }) },
  meta: expect.objectContaining({ source: "bridge" }),
});

/** A key that pollutes the prototype in careless copies, at the given depth of a request's payload. */
function buried(key: string, depth: number): string {
  const harm = `{"${key}":{"polluted":true,"constructor":{"prototype":{"polluted":true}}}}`;
  return `{"type":"${ASK_123.type}","payload":${'{"variables":'.repeat(depth)}${harm}${"}".repeat(depth)}}`;
}

test("the widget has no method at the path of __proto__, constructor or toString, and its errors carry no stack; control: it has one at post", async ({
  page,
  host,
  backend,
}) => {
  await openPlain(page, host, backend.origin);
  for (const path of PATHS) {
    const reply = Object(await callWidget(page, path, ASK_123));
    expect([path, reply]).toMatchObject([path, { isError: true, value: { penpalCode: "METHOD_NOT_FOUND" } }]);
    expect(Object.keys(reply.value)).not.toContain("stack");
  }
  expect(backend.calls).toHaveLength(0);
  expect(await callWidget(page, ["post"], ASK_123)).toMatchObject({ type: "REPLY", value: FULFILLED });
});

test("a malformed method path does not disturb the widget, and its errors carry no stack", async ({
  page,
  host,
  backend,
}) => {
  await openPlain(page, host, backend.origin);
  for (const path of ["post", null, 1, { length: 1 }, [{}], [null], [["__proto__"]]]) {
    const reply = Object(await callWidget(page, path as never, ASK_123));
    expect([path, reply]).toMatchObject([path, { isError: true }]);
    expect(Object.keys(reply.value)).not.toContain("stack");
  }
  expect(await callWidget(page, ["post"], ASK_123)).toMatchObject({ value: FULFILLED });
});

test("the widget knows no event by the name of __proto__, constructor or toString", async ({ page, host, backend }) => {
  await openPlain(page, host, backend.origin);
  for (const name of INHERITED) {
    const event = { ...ASK_123, type: name };
    expect(await callWidget(page, ["post"], event)).toMatchObject({ value: refusal(name, "UNKNOWN_EVENT") });
  }
  expect(backend.calls).toHaveLength(0);
});

test("a request with the id __proto__, constructor or toString is found and cancelled by it like any other", async ({
  page,
  host,
  backend,
}) => {
  await openPlain(page, host, backend.origin);
  for (const id of INHERITED) {
    const cancel = { type: "BUS.CANCEL", payload: { id } };
    expect(await callWidget(page, ["post"], cancel)).toMatchObject({ value: { payload: { cancelled: false } } });
    backend.answerWith({ hangs: true });
    const settled = callWidget(page, ["post"], { ...ASK_123, meta: { id } });
    await expect.poll(() => backend.calls.length).toBe(1);
    expect(await callWidget(page, ["post"], cancel)).toMatchObject({ value: { payload: { cancelled: true } } });
    expect(await settled).toMatchObject({ value: { payload: { error: { code: "ABORTED" } }, meta: { id } } });
  }
});

test("a key named __proto__, constructor or toString at any depth of a payload is rejected and changes no object", async ({
  page,
  host,
  backend,
}) => {
  const texts = INHERITED.flatMap((name) => [0, 1, 2, 15, 28].map((depth) => buried(name, depth)));
  const refused = refusal(ASK_123.type, "INVALID_REQUEST");
  await openPlain(page, host, backend.origin);
  for (const text of texts) expect(await callWidget(page, ["post"], text)).toMatchObject({ value: refused });
  await expectUnpolluted(page);
  await openConnected(page, host, backend.origin);
  for (const text of texts) expect(await dispatchText(page, text)).toEqual(refused);
  await expectUnpolluted(page);
  expect(backend.calls).toHaveLength(0);
});

test("a key named __proto__, constructor or toString beside a request's own keys, and in its meta, is ignored", async ({
  page,
  host,
  backend,
}) => {
  const [type, payload] = [ASK_123.type, JSON.stringify(ASK_123.payload)];
  const settlement = { ...FULFILLED, meta: { id: "mine" } };
  const noEvent = refusal("BUS.INVALID_EVENT", "INVALID_REQUEST");
  const cases = INHERITED.flatMap((name) => {
    const harm = `{"type":"BUS.PING","id":"other","timeoutMs":1,"polluted":true}`;
    const beside = `{"type":"${type}","payload":${payload},"${name}":${harm},"meta":{"id":"mine","${name}":${harm}}}`;
    const instead = `{"${name}":{"type":"${type}","payload":${payload}}}`;
    return [[beside, settlement] as const, [instead, noEvent] as const];
  });
  await openPlain(page, host, backend.origin);
  for (const [text, value] of cases) expect(await callWidget(page, ["post"], text)).toMatchObject({ value });
  await expectUnpolluted(page);
  await openConnected(page, host, backend.origin);
  for (const [text, value] of cases) expect(await dispatchText(page, text)).toEqual(value);
  await expectUnpolluted(page);
});

/**
 * Opens a page that is connected to a hostile widget, whose `remote` is the page's own `post` in penpal's published
 * build.
 */
async function openHostile(page: Page, host: HostSite, answer: HostileAnswer): Promise<void> {
  const src = host.serve(hostileWidget("/penpal.js", answer));
  await page.goto(host.serve(connectorPage()));
  await page.evaluate(async (address) => {
    window.connector = window.connect({ src: address });
    const heard: unknown[] = [];
    Object.assign(window, { heard });
    window.connector.on("*", (event) => heard.push(event));
    await window.connector.ready;
  }, src);
}

/**
 * Calls the page's method at a path by the widget's own penpal, and returns the response, or the error with its stack.
 */
async function callPage(page: Page, path: readonly string[], event: string): Promise<unknown> {
  return page.frames()[1]?.evaluate(
    async ([methodPath, json]) => {
      const method = methodPath.reduce(
        (target, key) => Reflect.get(target, key),
        await Reflect.get(window, "bridge").remote,
      );
      return method(JSON.parse(json)).then(
        (value: unknown) => ({ value }),
        ({ code, stack }: { code: string; stack: unknown }) => ({ code, stack }),
      );
    },
    [path, event] as const,
  );
}

test("a widget that calls the page by __proto__, constructor or toString runs no code of the page and gets no stack; control: post is called", async ({
  page,
  host,
}) => {
  await openHostile(page, host, "() => undefined");
  // A message that penpal's own proxy would not send.
  for (const path of PATHS.filter((keys) => keys.length > 0 && !keys.includes("call"))) {
    // The page either has no such method, or treats every call as a call of its only method.
    const { value, stack } = Object(await callPage(page, path, '{"polluted":true}'));
    const outcome = value ?? refusal("BUS.INVALID_EVENT", "INVALID_REQUEST");
    expect([path, outcome, stack]).toEqual([path, refusal("BUS.INVALID_EVENT", "INVALID_REQUEST"), undefined]);
  }
  await expectUnpolluted(page);
  expect(await callPage(page, ["post"], '{"type":"USER.ANNOUNCED"}')).toEqual({ value: undefined });
  expect(await page.evaluate("heard")).toEqual([{ type: "USER.ANNOUNCED" }]);
});

test("an announcement named __proto__, constructor or toString, with keys of that name at any depth, is an event like any other", async ({
  page,
  host,
}) => {
  await openHostile(page, host, "() => undefined");
  const announcements = INHERITED.map((name) => {
    const harm = `{"${name}":{"polluted":true,"constructor":{"prototype":{"polluted":true}}}}`;
    return { type: name, harm, payload: `${'{"deeper":'.repeat(20)}${harm}${"}".repeat(20)}` };
  });
  for (const { type, payload, harm } of announcements) {
    const text = `{"type":"${type}","payload":${payload},"meta":${harm}}`;
    expect(await callPage(page, ["post"], text)).toEqual({ value: undefined });
  }
  const texts = announcements.map(({ type, payload }) => `{"type":"${type}","payload":${payload},"meta":{}}`);
  expect(await page.evaluate("JSON.stringify(heard)")).toBe(`[${texts.join()}]`);
  await expectUnpolluted(page);
});

test("a settlement with keys named __proto__, constructor or toString reaches the caller as it is and changes no object", async ({
  page,
  host,
}) => {
  for (const name of INHERITED) {
    const harm = `{"${name}":{"polluted":true,"type":"OTHER","id":"other","source":"bridge"}}`;
    await openHostile(
      page,
      host,
      `({ type, meta: { id } }) => ({ type: type + "_FULFILLED", payload: JSON.parse('${harm}'), meta: { ...JSON.parse('${harm}'), id } })`,
    );
    const payload = page.evaluate(async ({ type, payload: asked }) => {
      return JSON.stringify(await window.connector.request(type, asked));
    }, ASK_123);
    expect(await payload).toBe(harm);
    await expectUnpolluted(page);
  }
});

test("a request of a megabyte is rejected by the page, and by the widget itself, and the next one fulfils", async ({
  page,
  host,
  backend,
}) => {
  // Rejected for its size, not for its content.
  const tooLarge = {
    type: `${ASK_123.type}_REJECTED`,
    payload: { error: expect.objectContaining({ message: "event: expected at most 65536 bytes of JSON" }) },
  };
  const megabyte = { ...ASK_123, payload: { variables: { userId: "1".repeat(2 ** 20) } } };
  await openConnected(page, host, backend.origin);
  const dispatch = (event: object): Promise<unknown> =>
    page.evaluate((given) => window.connector.dispatch(given as typeof ASK_123), event);
  expect(await dispatch(megabyte)).toMatchObject(tooLarge);
  expect(await dispatch({ ...ASK_123, meta: { id: "i".repeat(2 ** 20) } })).toMatchObject(tooLarge);
  expect(await dispatch(ASK_123)).toEqual(FULFILLED);
  await openPlain(page, host, backend.origin);
  expect(await callWidget(page, ["post"], megabyte)).toMatchObject({ value: tooLarge });
  expect(await callWidget(page, ["post"], ASK_123)).toMatchObject({ value: FULFILLED });
  expect(backend.calls).toHaveLength(2);
});

test("an announcement of a megabyte is rejected by the page, and the next one is received", async ({ page, host }) => {
  await openHostile(page, host, "() => undefined");
  const megabyte = JSON.stringify({ type: "USER.ANNOUNCED", payload: "x".repeat(2 ** 20) });
  expect(await callPage(page, ["post"], megabyte)).toEqual({ value: refusal("USER.ANNOUNCED", "INVALID_REQUEST") });
  await callPage(page, ["post"], '{"type":"USER.ANNOUNCED"}');
  expect(await page.evaluate("heard")).toEqual([{ type: "USER.ANNOUNCED" }]);
});

test("a backend's body of more than a megabyte reaches no page, and the next request fulfils", async ({
  page,
  host,
  backend,
}) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith([{ status: 200, text: " ".repeat(2 ** 20) + JSON.stringify(FULFILLED.payload) }, AVAILABLE]);
  const dispatch = (): Promise<unknown> => page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  expect(await dispatch()).toEqual(refusal(ASK_123.type, "INVALID_RESPONSE"));
  expect(await dispatch()).toEqual(FULFILLED);
});
