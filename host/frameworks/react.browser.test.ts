/** Runs with React 18, and in a project of its own with React 19. */
import {
  Component,
  createElement,
  type ReactElement,
  type ReactNode,
  StrictMode,
  Suspense,
  useEffect,
  useState,
  version,
} from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, expect, inject, onTestFinished, test, vi } from "vitest";
import type { Connector } from "../connector.ts";
import {
  AvailabilityBadge,
  BridgeProvider,
  type BridgeProviderProps,
  useAvailability,
  useConnectionState,
  useConnector,
} from "./react.ts";
import { createScriptedConnector } from "./test-scripted-connector.ts";

const src = `${inject("widgetOrigin")}/widget/`;
const available = { userId: 123, status: "available", version: 1 } as const;

afterEach(() => document.body.replaceChildren());

function appendRoot(html = ""): HTMLElement {
  const root = document.createElement("main");
  root.innerHTML = html;
  document.body.append(root);
  return root;
}

/** Renders the tree into a page, until the test ends. */
function render(tree: ReactElement): {
  readonly root: HTMLElement;
  readonly update: (tree: ReactElement) => void;
  readonly unmount: () => void;
} {
  const root = appendRoot();
  const reactRoot = createRoot(root);
  const update = (next: ReactElement): void => reactRoot.render(next);
  const unmount = (): void => reactRoot.unmount();
  update(tree);
  onTestFinished(unmount);
  return { root, update, unmount };
}

/** Hydrates what a server has rendered, until the test ends. Returns the errors that React recovers from. */
function hydrate(root: HTMLElement, tree: ReactElement): readonly unknown[] {
  const recovered: unknown[] = [];
  const reactRoot = hydrateRoot(root, tree, { onRecoverableError: (error) => void recovered.push(error) });
  onTestFinished(() => reactRoot.unmount());
  return recovered;
}

/** Records what React writes into the console, instead of writing it. */
function recordConsole(): readonly unknown[][] {
  const complaints: unknown[][] = [];
  for (const name of ["error", "warn"] as const) {
    const spy = vi.spyOn(console, name).mockImplementation((...words) => void complaints.push(words));
    onTestFinished(() => spy.mockRestore());
  }
  return complaints;
}

function Agent({ userId, onRender }: { readonly userId: number | undefined; readonly onRender?: () => void }) {
  const { state, callable } = useAvailability(userId);
  onRender?.();
  return createElement("p", null, `${userId} ${state} ${callable}`);
}

function State() {
  return createElement("output", null, useConnectionState());
}

function provide(properties: BridgeProviderProps, ...children: ReactNode[]): ReactElement {
  return createElement(BridgeProvider, properties, ...children);
}

/** Hands the connector of the provider to the test. */
function Spy({ onConnector }: { readonly onConnector: (connector: Connector | undefined) => void }) {
  onConnector(useConnector());
  return null;
}

class Boundary extends Component<{ readonly children: ReactNode }, { readonly message?: string }> {
  override state: { readonly message?: string } = {};
  static getDerivedStateFromError(error: unknown) {
    return { message: String(error) };
  }
  override render() {
    return this.state.message ?? this.props.children;
  }
}

function frames(): readonly HTMLIFrameElement[] {
  return Array.from(document.querySelectorAll("iframe"));
}

/** The widget's site takes long on a busy machine. */
const PATIENT = { timeout: 10_000 };

const text = (root: HTMLElement) => expect.poll(() => root.textContent, PATIENT);

test("the tests run with the React of their project", () => {
  expect(version.split(".")[0]).toBe(inject("reactVersion"));
});

test("connects to the widget, shows an agent, and destroys the connector when the provider is unmounted", async () => {
  const connectors = new Set<Connector | undefined>();
  const { root, unmount } = render(
    provide(
      { src },
      createElement(Agent, { userId: 123 }),
      createElement(State),
      createElement(Spy, { onConnector: (each) => void connectors.add(each) }),
    ),
  );
  await text(root).toBe("123 available trueready");
  const [before, connector] = [...connectors];
  expect(before).toBeUndefined();
  expect(connector?.state).toBe("ready");
  expect(connectors.size).toBe(2);
  unmount();
  expect(connector?.state).toBe("closed");
  expect(frames()).toEqual([]);
});

test("in StrictMode, which mounts twice, one frame stays and shows the agent; unmounting leaves nothing", async () => {
  const { root, unmount } = render(
    createElement(
      StrictMode,
      null,
      provide({ src }, createElement(Agent, { userId: 123 }), createElement(AvailabilityBadge, { userId: 123 })),
    ),
  );
  await text(root).toBe("123 available true");
  expect(frames()).toHaveLength(1);
  await expect.poll(() => root.querySelector("availability-badge")?.shadowRoot?.textContent, PATIENT).toBe("Available");
  unmount();
  expect(frames()).toEqual([]);
});

test("a page that a server has rendered hydrates without a complaint, and becomes live", async () => {
  const complaints = recordConsole();
  const { connector, announce, watched } = createScriptedConnector();
  const createTree = (properties: BridgeProviderProps) =>
    provide(
      properties,
      createElement(Agent, { userId: 123 }),
      createElement(State),
      createElement(AvailabilityBadge, { userId: 123, className: "pill", announce: true }, "…"),
    );
  const html = renderToString(createTree({ src }));
  expect(html).toBe(
    '<p>123 loading false</p><output>connecting</output><availability-badge class="pill" user-id="123" announce="">…</availability-badge>',
  );
  expect(frames()).toEqual([]);
  const root = appendRoot(html);
  const [paragraph] = root.children;
  const recovered = hydrate(root, createTree({ connector }));
  await expect.poll(() => watched(), PATIENT).toContain(123);
  announce(available);
  await text(root).toBe("123 available trueready…");
  expect(root.firstElementChild).toBe(paragraph);
  expect(recovered).toEqual([]);
  expect(complaints).toEqual([]);
});

test("an agent that other components know already is loading for as long as the page hydrates", async () => {
  const complaints = recordConsole();
  const { connector, announce, watched } = createScriptedConnector();
  const { root: other } = render(provide({ connector }, createElement(Agent, { userId: 123 })));
  await expect.poll(watched, PATIENT).toEqual([123]);
  announce(available);
  await text(other).toBe("123 available true");
  const root = appendRoot(renderToString(provide({ src }, createElement(Agent, { userId: 123 }))));
  const recovered = hydrate(root, provide({ connector }, createElement(Agent, { userId: 123 })));
  await text(root).toBe("123 available true");
  expect(recovered).toEqual([]);
  expect(complaints).toEqual([]);
});

test("components with one agent share a watch, and another agent has one of its own", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  const { root, update } = render(
    provide({ connector }, createElement(Agent, { userId: 123 }), createElement(Agent, { userId: 123 })),
  );
  await expect.poll(() => begun, PATIENT).toEqual([123]);
  announce(available);
  await text(root).toBe("123 available true123 available true");
  update(provide({ connector }, createElement(Agent, { userId: 123 }), createElement(Agent, { userId: 124 })));
  await text(root).toBe("123 available true124 loading false");
  announce({ userId: 124, status: "in_call", version: 1 });
  await text(root).toBe("123 available true124 in_call false");
  expect(begun).toEqual([123, 124]);
});

test("an agent who is not known yet is loading, and is followed as soon as the page knows who it is", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  const { root, update } = render(provide({ connector }, createElement(Agent, { userId: undefined })));
  await text(root).toBe("undefined loading false");
  expect(begun).toEqual([]);
  update(provide({ connector }, createElement(Agent, { userId: 123 })));
  await expect.poll(() => begun, PATIENT).toEqual([123]);
  announce(available);
  await text(root).toBe("123 available true");
});

test("a component renders with each change of its agent, and not with those of others or with a stranger's rendering", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  const onRender = vi.fn();
  const agent = createElement(Agent, { userId: 123, onRender });
  const { root, update } = render(provide({ connector }, agent, createElement(Agent, { userId: 124 })));
  await expect.poll(() => begun, PATIENT).toEqual([123, 124]);
  announce(available);
  await text(root).toBe("123 available true124 loading false");
  const rendered = onRender.mock.calls.length;
  announce({ userId: 124, status: "in_call", version: 1 });
  update(provide({ connector }, agent, createElement(Agent, { userId: 124 }), "again"));
  await text(root).toBe("123 available true124 in_call falseagain");
  expect(onRender).toHaveBeenCalledTimes(rendered);
});

test("a component that suspends keeps its watch, and shows what has come meanwhile", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  let finish = (): void => {};
  let wait: Promise<void> | undefined;
  let suspend = (): void => {};
  function Late() {
    const [isLate, setLate] = useState(false);
    suspend = () => {
      wait = new Promise((resolve) => {
        finish = () => {
          wait = undefined;
          resolve();
        };
      });
      setLate(true);
    };
    if (isLate && wait) throw wait;
    return null;
  }
  const { root } = render(
    provide(
      { connector },
      createElement(Suspense, { fallback: "wait" }, createElement(Agent, { userId: 123 }), createElement(Late)),
    ),
  );
  await expect.poll(() => begun, PATIENT).toEqual([123]);
  suspend();
  await text(root).toContain("wait");
  announce(available);
  finish();
  await text(root).toBe("123 available true");
  expect(begun).toEqual([123]);
});

test("follows the state of the connector, and does not listen to it any more once unmounted", async () => {
  const { connector, become, isObserved } = createScriptedConnector();
  const { root, unmount } = render(provide({ connector }, createElement(State)));
  await text(root).toBe("ready");
  become("reconnecting");
  await text(root).toBe("reconnecting");
  unmount();
  expect(isObserved()).toBe(false);
  expect(connector.state).toBe("reconnecting");
});

test("waits for the container, connects in it, and connects anew in another one", async () => {
  const [container, other] = [appendRoot(), appendRoot()];
  const { update } = render(provide({ src, container: null }, "page"));
  await expect.poll(() => document.body.textContent, PATIENT).toContain("page");
  expect(frames()).toEqual([]);
  update(provide({ src, container }));
  await expect.poll(() => frames().map((frame) => frame.parentElement), PATIENT).toEqual([container]);
  update(provide({ src, container: other }));
  await expect.poll(() => frames().map((frame) => frame.parentElement), PATIENT).toEqual([other]);
});

test("another rendering with the same address keeps the connection, also with an object for it", async () => {
  const { root, update } = render(provide({ src: new URL(src) }, createElement(State)));
  await text(root).toBe("ready");
  const [frame] = frames();
  update(provide({ src: new URL(src), title: "Other" }, createElement(State), "!"));
  await text(root).toBe("ready!");
  expect(frames()).toEqual([frame]);
});

test("asks the function of the latest rendering for a token", async () => {
  const connectors: (Connector | undefined)[] = [];
  const spy = createElement(Spy, { onConnector: (each) => void connectors.push(each) });
  const asked: string[] = [];
  const from = (name: string) => () => {
    asked.push(name);
    return name;
  };
  const { root, update } = render(provide({ src, fetchToken: from("first") }, createElement(State), spy));
  await text(root).toBe("ready");
  update(provide({ src, fetchToken: from("second") }, createElement(State), spy, "!"));
  await text(root).toBe("ready!");
  await connectors.at(-1)?.refreshToken();
  expect(asked.at(-1)).toBe("second");
  expect(frames()).toHaveLength(1);
});

test("connects anew if `fetchToken` is added or removed, and calls no function of an earlier rendering", async () => {
  const connectors: Connector[] = [];
  const spy = createElement(Spy, {
    onConnector: (connector) => {
      if (connector && !connectors.includes(connector)) connectors.push(connector);
    },
  });
  const connected = async (index: number): Promise<Connector> => {
    const connector = await vi.waitUntil(() => connectors[index], PATIENT);
    await connector.ready;
    return connector;
  };
  const fetchToken = vi.fn(() => "signed-in");
  const { update } = render(provide({ src }, spy));
  const anonymous = await connected(0);

  update(provide({ src, fetchToken }, spy));
  const signedIn = await connected(1);
  expect(anonymous.state).toBe("closed");
  await signedIn.refreshToken();
  expect(fetchToken).toHaveBeenCalled();

  update(provide({ src }, spy));
  const signedOut = await connected(2);
  expect(signedIn.state).toBe("closed");
  fetchToken.mockClear();
  await signedOut.refreshToken();
  expect(fetchToken).not.toHaveBeenCalled();
});

test("an option with a wrong value is the error of `connect`, for the boundary around the provider", async () => {
  recordConsole();
  const { root } = render(createElement(Boundary, null, provide({ src: "widget" })));
  await text(root).toContain("src: expected an absolute http(s) address");
});

test("a wrong user id, and a hook without a provider, throw an error that says what was expected", async () => {
  recordConsole();
  const { connector } = createScriptedConnector();
  const { root } = render(createElement(Boundary, null, provide({ connector }, createElement(Agent, { userId: 1.5 }))));
  await text(root).toContain("userId: expected a whole number from 1");
  const { root: other } = render(createElement(Boundary, null, createElement(Agent, { userId: 1 })));
  await text(other).toContain("useConnector: expected a BridgeProvider around the component");
});

test("the badge has its attributes, its children and its reference, and follows another agent", async () => {
  const { connector, announce, watched } = createScriptedConnector();
  const elements: (HTMLElement | null)[] = [];
  const createTree = (userId: number | null) =>
    provide(
      { connector },
      createElement(
        AvailabilityBadge,
        {
          userId,
          variant: "full",
          lang: "en",
          className: "a b",
          title: "owner",
          ref: (element) => void elements.push(element),
        },
        createElement("span", { slot: "name" }, "Anna"),
      ),
    );
  const { root, update } = render(createTree(123));
  await expect.poll(watched, PATIENT).toContain(123);
  announce(available);
  const badge = root.querySelector("availability-badge");
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("available");
  expect(elements[0]).toBe(badge);
  expect(badge).toMatchObject({ className: "a b", title: "owner", lang: "en", textContent: "Anna" });
  expect(badge?.getAttribute("variant")).toBe("full");
  expect(badge?.hasAttribute("announce")).toBe(false);
  update(createTree(124));
  await expect.poll(watched, PATIENT).toContain(124);
  announce({ userId: 124, status: "in_call", version: 1 });
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("in_call");
  update(createTree(null));
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("loading");
  expect(badge?.hasAttribute("user-id")).toBe(false);
});

test("tells the function of the latest rendering of each change of the badge, and no other one", async () => {
  const { connector, announce, watched } = createScriptedConnector();
  const told: unknown[] = [];
  const effects: string[] = [];
  /** Its effect follows that of the badge. */
  function Done({ name }: { readonly name: string }) {
    useEffect(() => void effects.push(name), [name]);
    return null;
  }
  const createTree = (name: string) =>
    provide(
      { connector },
      createElement(AvailabilityBadge, {
        userId: 123,
        onAvailabilityChange: ({ detail }) => void told.push([name, detail.userId, detail.state]),
      }),
      createElement(Done, { name }),
    );
  const { root, update } = render(createTree("first"));
  await expect.poll(watched, PATIENT).toContain(123);
  announce(available);
  await expect.poll(() => told, PATIENT).toEqual([["first", 123, "available"]]);
  update(createTree("second"));
  await expect.poll(() => effects, PATIENT).toContain("second");
  // The name of the function is no attribute of the element.
  expect(root.querySelector("availability-badge")?.getAttributeNames()).not.toContain("onavailabilitychange");
  announce({ userId: 123, status: "in_call", version: 2 });
  await expect
    .poll(() => told, PATIENT)
    .toEqual([
      ["first", 123, "available"],
      ["second", 123, "in_call"],
    ]);
});
