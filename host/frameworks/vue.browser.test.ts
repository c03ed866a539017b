import { afterEach, expect, inject, onTestFinished, test, vi } from "vitest";
import { type App, type Component, createApp, createSSRApp, defineComponent, effectScope, h, nextTick, ref } from "vue";
import { renderToString } from "vue/server-renderer";
import type { Connector } from "../connector.ts";
import { createScriptedConnector } from "./test-scripted-connector.ts";
import {
  AvailabilityBadge,
  type BridgeOptions,
  createBridge,
  useAvailability,
  useConnectionState,
  useConnector,
} from "./vue.ts";

const src = `${inject("widgetOrigin")}/widget/`;
const available = { userId: 123, status: "available", version: 1 } as const;

afterEach(() => document.body.replaceChildren());

function appendRoot(html = ""): HTMLElement {
  const root = document.createElement("main");
  root.innerHTML = html;
  document.body.append(root);
  return root;
}

/** Mounts a component into a page, until the test ends. */
function mount(component: Component, options: BridgeOptions): { readonly root: HTMLElement; readonly app: App } {
  const root = appendRoot();
  const app = createApp(component);
  app.use(createBridge(options)).mount(root);
  onTestFinished(() => app.unmount());
  return { root, app };
}

const Agent = defineComponent({
  props: { userId: Number },
  setup(props) {
    const agent = useAvailability(() => props.userId);
    return () => h("p", `${props.userId} ${agent.value.state} ${agent.value.callable}`);
  },
});

const State = {
  setup() {
    const state = useConnectionState();
    return () => h("output", state.value);
  },
};

function frames(): readonly HTMLIFrameElement[] {
  return Array.from(document.querySelectorAll("iframe"));
}

/** The widget's site takes long on a busy machine. */
const PATIENT = { timeout: 10_000 };

const text = (root: HTMLElement) => expect.poll(() => root.textContent, PATIENT);

test("connects to the widget, shows an agent, and destroys the connector when the app is unmounted", async () => {
  let connector: Connector | undefined;
  const Page = {
    setup() {
      connector = useConnector();
      return () => [h(Agent, { userId: 123 }), h(State), h(AvailabilityBadge, { userId: 123 })];
    },
  };
  const { root, app } = mount(Page, { src });
  await text(root).toBe("123 available trueready");
  await expect.poll(() => root.querySelector("availability-badge")?.shadowRoot?.textContent, PATIENT).toBe("Available");
  expect(frames()).toHaveLength(1);
  app.unmount();
  expect(connector?.state).toBe("closed");
  expect(frames()).toEqual([]);
});

test("a page that a server has rendered hydrates without a complaint, and becomes live", async () => {
  const complaints = vi.fn();
  for (const name of ["error", "warn"] as const) {
    const spy = vi.spyOn(console, name).mockImplementation(complaints);
    onTestFinished(() => spy.mockRestore());
  }
  const { connector, announce, watched } = createScriptedConnector();
  const { root: other } = mount({ render: () => h(Agent, { userId: 123 }) }, { connector });
  announce(available);
  await text(other).toBe("123 available true");
  const createPage = () =>
    createSSRApp({
      render: () => [
        h(Agent, { userId: 123 }),
        h(State),
        h(AvailabilityBadge, { userId: 123, class: "pill", announce: true }, () => "…"),
      ],
    }).use(createBridge({ connector }));
  const html = await renderToString(createPage());
  expect(html).toContain("<p>123 loading false</p><output>connecting</output>");
  expect(html).toMatch(/<availability-badge user-id="123"[^>]* class="pill"[^>]*>/);
  const root = appendRoot(html);
  const [paragraph] = root.children;
  const page = createPage();
  page.mount(root);
  onTestFinished(() => page.unmount());
  expect(root.firstElementChild).toBe(paragraph);
  await text(root).toBe("123 available trueready…");
  expect(root.firstElementChild).toBe(paragraph);
  expect(watched()).toContain(123);
  expect(complaints).not.toHaveBeenCalled();
});

test("components with one agent share a watch, and follow another agent when theirs changes", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  const userId = ref<number>();
  const { root } = mount(
    { render: () => [h(Agent, { userId: 123 }), h(Agent, { userId: userId.value ?? 123 })] },
    { connector },
  );
  expect(begun).toEqual([123]);
  announce(available);
  await text(root).toBe("123 available true123 available true");
  userId.value = 124;
  await text(root).toBe("123 available true124 loading false");
  announce({ userId: 124, status: "in_call", version: 1 });
  await text(root).toBe("123 available true124 in_call false");
  expect(begun).toEqual([123, 124]);
});

test("an agent who is not known yet is loading, and is followed as soon as the page knows who it is", async () => {
  const { connector, begun, announce } = createScriptedConnector();
  const userId = ref<number>();
  const { root } = mount({ render: () => h(Agent, userId.value ? { userId: userId.value } : {}) }, { connector });
  expect(root.textContent).toBe("undefined loading false");
  expect(begun).toEqual([]);
  userId.value = 123;
  await nextTick();
  announce(available);
  await text(root).toBe("123 available true");
});

test("follows the state of the connector, and does not listen to it any more once unmounted", async () => {
  const { connector, become, isObserved } = createScriptedConnector();
  const { root, app } = mount(State, { connector });
  await text(root).toBe("ready");
  become("reconnecting");
  await text(root).toBe("reconnecting");
  app.unmount();
  expect(isObserved()).toBe(false);
  expect(connector.state).toBe("reconnecting");
});

test("follows an agent in an effect scope of the app, as a store has one, until the scope ends", () => {
  const { connector, isObserved, announce } = createScriptedConnector();
  const { app } = mount({ render: () => "page" }, { connector });
  const scope = effectScope();
  const { agent, state } = app.runWithContext(() =>
    scope.run(() => ({ agent: useAvailability(123), state: useConnectionState() })),
  ) ?? { agent: undefined, state: undefined };
  announce(available);
  expect(agent?.value.state).toBe("available");
  expect(state?.value).toBe("ready");
  scope.stop();
  expect(isObserved()).toBe(false);
});

test("an option with a wrong value, a wrong user id, and a missing plugin throw an error that says what was expected", () => {
  expect(() => createApp({}).use(createBridge({ src: "widget" }))).toThrow("src: expected an absolute http(s) address");
  const { connector } = createScriptedConnector();
  const errors: unknown[] = [];
  const app = createApp({ render: () => h(Agent, { userId: 1.5 }) }).use(createBridge({ connector }));
  app.config.errorHandler = (error) => errors.push(error);
  app.mount(appendRoot());
  app.unmount();
  expect(String(errors)).toContain("userId: expected a whole number from 1");
  const bare = createApp(State);
  bare.config.warnHandler = () => {};
  expect(() => bare.mount(appendRoot())).toThrow("useConnector: expected app.use(createBridge(…)) before");
});

test("the badge has its attributes, its slot and its listeners, and follows another agent", async () => {
  const { connector, announce, watched } = createScriptedConnector();
  const userId = ref<number | null>(123);
  const states: string[] = [];
  const { root } = mount(
    {
      render: () =>
        h(
          AvailabilityBadge,
          {
            userId: userId.value,
            variant: "full",
            class: "a b",
            onAvailabilityChange: ({ detail }: HTMLElementEventMap["availability-change"]) => states.push(detail.state),
          },
          () => h("span", { slot: "name" }, "Anna"),
        ),
    },
    { connector },
  );
  await expect.poll(watched, PATIENT).toContain(123);
  announce(available);
  const badge = root.querySelector("availability-badge");
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("available");
  expect(badge).toMatchObject({ className: "a b", textContent: "Anna" });
  expect(badge?.hasAttribute("announce")).toBe(false);
  userId.value = 124;
  await expect.poll(watched, PATIENT).toContain(124);
  announce({ userId: 124, status: "in_call", version: 1 });
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("in_call");
  userId.value = null;
  await expect.poll(() => badge?.getAttribute("data-state"), PATIENT).toBe("loading");
  expect(badge?.hasAttribute("user-id")).toBe(false);
  expect(states).toEqual(["available", "loading", "in_call", "loading"]);
});
