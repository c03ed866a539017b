/** Tests the connector and the iframe in a real browser, with the built widget on a second site. */
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { type ConnectOptions, connect } from "./connect.ts";
import { mountFrame } from "./connection/frame.ts";
import type { Connector } from "./connector.ts";
import { DEBUG_HOOK } from "./debug.ts";

const src = `${inject("widgetOrigin")}/widget/`;
const payload = { variables: { userId: 123 } };

function open(options: ConnectOptions): Connector {
  const connector = connect(options);
  onTestFinished(connector.destroy);
  return connector;
}

function append<Name extends keyof HTMLElementTagNameMap>(name: Name): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  document.body.append(element);
  onTestFinished(() => element.remove());
  return element;
}

function frames(): readonly HTMLIFrameElement[] {
  return Array.from(document.querySelectorAll("iframe"));
}

test("sends requests to the widget on the second site, before and after the handshake", async () => {
  const connector = open({ src });
  expect(connector.state).toBe("connecting");
  const early = connector.request("API.FETCH_USER_AVAILABILITY", payload);
  expect(await early).toEqual({ userId: 123, status: "available", version: 7 });
  await connector.ready;
  expect(connector.state).toBe("ready");
  expect(await connector.request("API.FETCH_USER_AVAILABILITY", payload)).toEqual(await early);
});

test("creates an invisible iframe with the widget's minimum of permissions", () => {
  open({ src, title: "Acme phone" });
  const [frame] = frames();
  expect(frame?.title).toBe("Acme phone");
  expect(frame?.getAttribute("sandbox")).toBe("allow-scripts allow-same-origin");
  expect(frame?.referrerPolicy).toBe("no-referrer");
  expect(frame?.allow).toBe("");
  expect(frame?.checkVisibility({ visibilityProperty: true })).toBe(false);
  expect(frame?.getAttribute("aria-hidden")).toBe("true");
  expect(frame?.tabIndex).toBe(-1);
});

test("restricts the iframe also without a sandbox property, as in jsdom", () => {
  const property = Object.getOwnPropertyDescriptor(HTMLIFrameElement.prototype, "sandbox");
  if (!property) throw new Error("This browser has no sandbox property either");
  Reflect.deleteProperty(HTMLIFrameElement.prototype, "sandbox");
  onTestFinished(() => void Object.defineProperty(HTMLIFrameElement.prototype, "sandbox", property));
  const frame = mountFrame(new URL(src), undefined, "Phone");
  onTestFinished(() => frame?.remove());
  expect(frame?.getAttribute("sandbox")).toBe("allow-scripts allow-same-origin");
});

test("warns of an unknown option", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const unknown = { timeout: 5 };
  open({ src, title: "Phone", timeoutMs: 500, ...unknown });
  expect(warn.mock.calls.flat()).toEqual(["availability-bridge: connect has no option timeout"]);
});

test.for([
  [{ theme: "dark #7a1fa2" }, "de-AT", "dark #7a1fa2&de-AT"],
  [{ theme: "light" }, "", "light&"],
  [{}, "fr", "&fr"],
  [{}, "", "&"],
] as const)("registers the look %o of a page in the language %j as %s", async ([options, lang, look]) => {
  const container = append("div");
  container.lang = lang;
  const connector = open({ src, container, ...options });
  const sent: unknown[] = [];
  connector.observe((record) => {
    if (record.kind === "sent" && record.event.type === "BUS.REGISTER") sent.push(record.event.meta);
  });
  await connector.ready;
  await expect.poll(() => sent).toEqual([expect.objectContaining({ look })]);
});

test.for([
  ["the option debug", { debug: true }, () => {}],
  ["the switch in localStorage", {}, () => localStorage.setItem("availability-bridge:debug", "1")],
] as const)("says once which import %s needs, until the page has imported it", ([, options, switchOn]) => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  const hook = Symbol.for(DEBUG_HOOK);
  onTestFinished(() => {
    warn.mockRestore();
    Reflect.deleteProperty(globalThis, hook);
    localStorage.clear();
  });
  open({ src, debug: false });
  expect(warn.mock.calls).toEqual([]);
  switchOn();
  open({ src, ...options });
  open({ src, ...options });
  const expected = 'expected an import of "availability-bridge/inspector" before connect';
  expect(warn.mock.calls.flat()).toEqual([`availability-bridge: debug: ${expected}`]);
  const log = vi.fn();
  Object.assign(globalThis, { [hook]: log });
  const connector = open({ src, ...options });
  expect(log.mock.calls).toEqual([[connector, "debug" in options || undefined]]);
  expect(warn.mock.calls).toHaveLength(1);
});

test.for([
  "iframe { display: block; visibility: visible; width: 100%; min-height: 400px; margin: 2em auto; border: 3px solid }",
  "iframe { all: unset !important; visibility: visible !important; position: relative !important; padding: 1em !important }",
  "body { display: grid; gap: 20px; height: 100px; overflow: auto; transform: scale(1) } body > * { margin-top: 50px }",
])("keeps the iframe invisible, and the page's layout as it was, under the page's rule %s", (rule) => {
  append("style").textContent = rule;
  append("p").textContent = "the page's own text";
  const measure = () => {
    const { scrollHeight, scrollWidth } = document.documentElement;
    return {
      scrollHeight,
      scrollWidth,
      inBody: document.body.scrollHeight,
      text: append("b").getBoundingClientRect().top,
    };
  };
  const before = measure();
  for (const last of document.querySelectorAll("b")) last.remove();
  open({ src });
  expect(measure()).toEqual(before);
  const [frame] = frames();
  expect(frame?.checkVisibility({ visibilityProperty: true })).toBe(false);
  expect(frame?.offsetWidth).toBe(0);
  expect(frame?.offsetHeight).toBe(0);
  // Chromium runs the timers of a frame that is not displayed once a second.
  expect(frame && getComputedStyle(frame).display).not.toBe("none");
});

test.for(["", "iframe { display: none }", "* { all: unset }", "iframe { border: 9px solid; width: 0; height: 0 }"])(
  "shows the iframe in the whole container on a page with the rule %j",
  (rule) => {
    append("style").textContent = rule;
    const container = append("div");
    container.style.cssText = "display: block; width: 340px; height: 480px";
    open({ src, container });
    const frame = container.querySelector("iframe");
    expect(frame?.checkVisibility()).toBe(true);
    expect([frame?.clientWidth, frame?.clientHeight, container.scrollHeight]).toEqual([340, 480, 480]);
  },
);

test("removes the iframe when destroyed, and rejects later requests", async () => {
  const connector = open({ src });
  connector.destroy();
  connector.destroy();
  expect(frames()).toEqual([]);
  expect(connector.state).toBe("closed");
  const settlement = await connector.dispatch({ type: "API.FETCH_USER_AVAILABILITY", payload });
  expect(settlement).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", retryable: false } } });
});

test("mounts no iframe with a signal that has aborted already", async () => {
  const mounted = vi.fn();
  const observer = new MutationObserver(mounted);
  observer.observe(document, { childList: true, subtree: true });
  onTestFinished(() => observer.disconnect());
  const connector = open({ src, signal: AbortSignal.abort() });
  expect(connector.state).toBe("closed");
  await expect(connector.ready).rejects.toMatchObject({ code: "CONNECTION_CLOSED", retryable: false });
  expect(mounted).not.toHaveBeenCalled();
});

test("destroys the connector when the signal aborts", async () => {
  const controller = new AbortController();
  const connector = open({ src, signal: controller.signal });
  controller.abort();
  expect(connector.state).toBe("closed");
  expect(frames()).toEqual([]);
  await expect(connector.ready).rejects.toMatchObject({ name: "ConnectionError", code: "CONNECTION_CLOSED" });
});

test("adopts an iframe of the page, also after the iframe has loaded, and never removes the iframe", async () => {
  const frame = append("iframe");
  frame.src = src;
  await new Promise((resolve) => frame.addEventListener("load", resolve));
  const connector = open({ frame });
  expect(await connector.request("API.FETCH_USER_AVAILABILITY", payload)).toMatchObject({ userId: 123 });
  connector.destroy();
  expect(frame.isConnected).toBe(true);
  expect(frame.src).toBe(src);
});

test("refuses a page's own iframe that another connector has, until that one is destroyed", async () => {
  const frame = append("iframe");
  frame.src = src;
  const connector = open({ frame });
  expect(() => connect({ frame })).toThrow(/^frame: expected no other connector on it/);
  expect(await connector.request("API.FETCH_USER_AVAILABILITY", payload)).toMatchObject({ userId: 123 });
  connector.destroy();
  const next = open({ frame });
  expect(await next.request("API.FETCH_USER_AVAILABILITY", payload)).toMatchObject({ userId: 123 });
});

/** Returns a document of another window: that of an iframe. */
function otherDocument(): Document {
  const { contentDocument } = append("iframe");
  if (!contentDocument) throw new Error("A blank iframe has a document");
  return contentDocument;
}

test("rejects requests for good while the page keeps the container in another window's document, and then goes on", async () => {
  const container = append("div");
  const connector = open({ src, container });
  await connector.ready;
  const states: string[] = [];
  connector.onStateChange((state) => states.push(state));
  otherDocument().body.append(container);
  expect(await connector.dispatch({ type: "API.FETCH_USER_AVAILABILITY", payload })).toMatchObject({
    payload: { error: { code: "CONNECTION_CLOSED", retryable: false } },
  });
  document.body.append(container);
  await vi.waitFor(() => expect(states).toEqual(["reconnecting", "ready"]), 10_000);
});

test("keeps two connectors on one page apart", async () => {
  const answers = [open({ src }), open({ src })].map((connector) =>
    connector.request("API.FETCH_USER_AVAILABILITY", payload),
  );
  expect(frames()).toHaveLength(2);
  expect(await Promise.all(answers)).toHaveLength(2);
});

test.for<[string, () => ConnectOptions, RegExp]>([
  [
    "an invalid address",
    () => ({ src: "widget" }),
    /^src: expected an absolute http\(s\) address without credentials, ending in \/widget\/$/,
  ],
  ["no address", () => ({}), /^src: expected/],
  ["no options", () => undefined as never, /^src: expected/],
  ["an address that is not http", () => ({ src: "javascript:alert(1)" }), /^src: expected/],
  [
    "the script's address in place of the widget's",
    () => ({ src: "https://widget.example.com/embed.js?v=1" }),
    /^src: expected .*, ending in \/widget\/$/,
  ],
  ["an address with credentials", () => ({ src: "https://user:secret@widget.example.com/" }), /^src: (?!.*secret)/],
  [
    "a container that was not found",
    () => ({ src, container: document.querySelector("#none") as never }),
    /^container: /,
  ],
  ["a frame that was not found", () => ({ src, frame: document.querySelector("#none") as never }), /^frame: expected/],
  ["an invalid signal", () => ({ src, signal: {} as never }), /^signal: expected an AbortSignal/],
  [
    "a container in another document",
    () => ({ src, container: otherDocument().body }),
    /^container: expected an element of this document/,
  ],
  [
    "a frame in another document",
    () => {
      const { body } = otherDocument();
      body.innerHTML = "<iframe></iframe>";
      return { src, frame: body.querySelector("iframe") as never };
    },
    /^frame: expected an iframe in this document/,
  ],
  ["a frame outside the document", () => ({ src, frame: document.createElement("iframe") }), /^frame: expected/],
  [
    "both a frame and a container",
    () => ({ src, frame: append("iframe"), container: append("div") }),
    /^frame: expected/,
  ],
  ["a token that is no function", () => ({ src, fetchToken: "t1" as never }), /^fetchToken: expected a function/],
  [
    "a theme that is neither theme nor color",
    () => ({ src, theme: "dark blue" }),
    /^theme: expected light, dark or auto, then a color such as #7a1fa2 or none, not "dark blue"$/,
  ],
  ["a theme that is no text", () => ({ src, theme: 5 as never }), /^theme: expected .*, not 5$/],
  ["a timeout of 0 ms", () => ({ src, timeoutMs: 0 }), /^timeoutMs: expected whole milliseconds/],
  [
    "a handshake time that is no number",
    () => ({ src, handshakeTimeoutMs: Number.NaN }),
    /^handshakeTimeoutMs: expected/,
  ],
])("throws at once for %s, and mounts no iframe", ([, options, message]) => {
  const given = options();
  const before = frames().length;
  expect(() => connect(given)).toThrow(message);
  expect(frames()).toHaveLength(before);
});

test("throws at once for an iframe whose sandbox takes the widget's origin away", () => {
  const frame = append("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  expect(() => connect({ src, frame })).toThrow(
    /^frame: expected an iframe .*a sandbox of allow-scripts and allow-same-origin/,
  );
});
