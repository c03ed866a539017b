import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { ConnectorState, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { createListeners } from "../listeners.ts";
import { defineAvailabilityBadge } from "./define-badge.ts";

type BadgeConnector = Parameters<typeof defineAvailabilityBadge>[0];

interface ScriptedConnector extends BadgeConnector {
  /** Active subscriptions. */
  readonly watching: {
    readonly userId: number;
    readonly listener: (availability: WatchedAvailability) => void;
    readonly onStatus: (status: WatchStatus) => void;
  }[];
  become(state: ConnectorState): void;
  /** True if the badges listen to the state, which makes a connector look for a widget. */
  isObserved(): boolean;
}

/** Creates a scripted connector. */
function createScriptedConnector(): ScriptedConnector {
  const states = createListeners<[ConnectorState]>();
  const watching: ScriptedConnector["watching"] = [];
  let state: ConnectorState = "ready";
  return {
    watching,
    get state() {
      return state;
    },
    watch(userIds, listener, { onStatus = () => {} } = {}) {
      const [userId = 0] = ([] as number[]).concat(userIds);
      const entry = { userId, listener, onStatus };
      watching.push(entry);
      return () => {
        const index = watching.indexOf(entry);
        if (index >= 0) watching.splice(index, 1);
      };
    },
    onStateChange: states.add,
    isObserved: () => !states.isEmpty(),
    become(next) {
      state = next;
      states.emit(next);
    },
  };
}

// Without it each badge is watched at once: `badges.browser.test.ts` has the badges out of sight.
vi.stubGlobal("IntersectionObserver", undefined);

const early = document.createElement("availability-badge");
early.setAttribute("user-id", "7");
document.body.append(early);

const warn = vi.spyOn(console, "warn").mockReturnValue();

/** The active connector of the badges. */
let connector: ScriptedConnector;

/** Connects the page again. */
function reconnect(): void {
  connector = createScriptedConnector();
  defineAvailabilityBadge(connector);
}

reconnect();

beforeEach(() => {
  warn.mockClear();
});

afterEach(() => {
  document.body.replaceChildren();
  if (connector.state === "closed") reconnect();
});

function mount(userId: string): HTMLElementTagNameMap["availability-badge"] {
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", userId);
  document.body.append(badge);
  return badge;
}

function tell(userId: number, news: Partial<WatchedAvailability>): void {
  for (const entry of connector.watching) {
    if (entry.userId !== userId) continue;
    entry.listener({ userId, status: "available", version: 1, ...news });
    entry.onStatus({ userId, status: "live" });
  }
}

/** Changes the status of a watched user. */
function become(userId: number, status: WatchStatus["status"]): void {
  for (const entry of connector.watching) if (entry.userId === userId) entry.onStatus({ userId, status });
}

const watched = (): number[] => connector.watching.map(({ userId }) => userId);

/** Returns a badge's visible text: its own, or the text of the page's markup. */
function readText({ shadowRoot, textContent }: HTMLElement): string | null {
  return shadowRoot?.querySelector("slot:not([name])") ? textContent : (shadowRoot?.textContent ?? null);
}

/** Returns a badge's text and the attributes for the page's styles. */
function shown(badge: HTMLElement): unknown {
  const { dataset } = badge;
  return [readText(badge), dataset["state"], dataset["callable"], dataset["reason"]];
}

test("upgrades a badge that was in the page before the definition", () => {
  expect(watched()).toEqual([7]);
  tell(7, {});
  expect(shown(early)).toEqual(["Available", "available", "true", ""]);
});

test.each([
  ["available", "Available", "available", "true", ""],
  ["offline", "Offline", "offline", "false", ""],
  ["in_call", "In call", "in_call", "false", ""],
  ["on_mobile", "On mobile", "on_mobile", "false", ""],
  ["do_not_disturb", "Do not disturb", "do_not_disturb", "false", ""],
  ["out_for_lunch", "Out for lunch", "do_not_disturb", "false", "out_for_lunch"],
  ["in_traning", "In training", "do_not_disturb", "false", "in_traning"],
  ["other", "Do not disturb", "do_not_disturb", "false", "other"],
  ["on_the_moon", "On the moon", "unknown", "false", ""],
])("shows %s as %s", (status, ...expected) => {
  const badge = mount("1");
  tell(1, { status });
  expect(shown(badge)).toEqual(expected);
});

test("is loading, with the text of the page's markup, until the first availability", () => {
  const badge = document.createElement("availability-badge");
  badge.textContent = "…";
  badge.setAttribute("user-id", "1");
  document.body.append(badge);
  expect(shown(badge)).toEqual(["…", "loading", "false", ""]);
  tell(1, {});
  expect(readText(badge)).toBe("Available");
});

test("is not callable until the end of the wrap-up time, with a single timer while in the page", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const badge = mount("1");
  expect(vi.getTimerCount()).toBe(0);
  tell(1, { wrapUpTimeConfig: 30, wrapUpTimeTtl: 12 });
  expect(shown(badge)).toEqual(["Wrapping up", "wrapping_up", "false", ""]);
  vi.advanceTimersByTime(11_999);
  expect(badge.dataset["callable"]).toBe("false");
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
  expect(vi.getTimerCount()).toBe(0);
  tell(1, { wrapUpTimeConfig: 30, wrapUpTimeTtl: 12, version: 2 });
  tell(1, { status: "in_call", wrapUpTimeConfig: 30, wrapUpTimeTtl: 30, version: 3 });
  expect(vi.getTimerCount()).toBe(0);
  tell(1, { wrapUpTimeConfig: 30, wrapUpTimeTtl: 12, version: 4 });
  badge.remove();
  await Promise.resolve();
  expect(vi.getTimerCount()).toBe(0);
});

test("watches the new user when `user-id` changes, and clears the last user's availability, whose watch ends 30 s later", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const badge = mount("1");
  tell(1, { status: "out_for_lunch" });
  badge.setAttribute("user-id", "2");
  expect(watched()).toEqual([1, 2]);
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
  vi.advanceTimersByTime(29_999);
  expect(watched()).toEqual([1, 2]);
  vi.advanceTimersByTime(1);
  expect(watched()).toEqual([2]);
});

test("shows an agent at once who was shown less than 30 s ago, without another watch", () => {
  const badge = mount("1");
  tell(1, { status: "out_for_lunch" });
  badge.setAttribute("user-id", "2");
  badge.setAttribute("user-id", "1");
  expect(shown(badge)).toEqual(["Out for lunch", "do_not_disturb", "false", "out_for_lunch"]);
  expect(watched()).toEqual([1, 2]);
});

test("keeps what it shows, and its watch, when it is moved within a task", () => {
  const badge = mount("1");
  tell(1, {});
  const before = [...connector.watching];
  const changes = new MutationObserver(() => {});
  changes.observe(badge, { attributes: true, childList: true, characterData: true, subtree: true });
  const place = document.createElement("div");
  document.body.append(place);
  place.append(badge);
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
  expect(changes.takeRecords()).toEqual([]);
  expect(connector.watching).toEqual(before);
});

test("writes its attributes again after a page has changed or removed them, and watches no other user for it", async () => {
  const badge = mount("1");
  tell(1, {});
  const before = [...connector.watching];
  badge.removeAttribute("data-callable");
  badge.setAttribute("data-state", "loading");
  badge.setAttribute("class", "pill");
  await Promise.resolve();
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
  expect(badge.className).toBe("pill");
  expect(connector.watching).toEqual(before);
});

test("does not write its attributes again for its own changes, also on a page whose getAttribute returns objects", async () => {
  const badge = mount("1");
  const { getAttribute, setAttribute } = Element.prototype;
  vi.spyOn(badge, "getAttribute").mockImplementation((name) => Object(getAttribute.call(badge, name)));
  const write = vi.spyOn(badge, "setAttribute").mockImplementation((name, value) => {
    // Without a change there is no observation, so a loop ends.
    if (write.mock.calls.length < 100) setAttribute.call(badge, name, value);
  });
  tell(1, {});
  const writes = write.mock.calls.length;
  await Promise.resolve();
  await Promise.resolve();
  expect(write.mock.calls).toHaveLength(writes);
  expect(badge.dataset["state"]).toBe("available");
});

test("leaves its attributes to the page while it is out of the page, and writes them again when it is back", async () => {
  const badge = mount("1");
  tell(1, {});
  badge.remove();
  await Promise.resolve();
  badge.setAttribute("data-state", "of the page");
  await Promise.resolve();
  expect(badge.dataset["state"]).toBe("of the page");
  document.body.append(badge);
  tell(1, { status: "in_call" });
  await Promise.resolve();
  expect(shown(badge)).toEqual(["In call", "in_call", "false", ""]);
});

test("leaves its attributes to the page also if the page changes them in the task of the removal", async () => {
  const badge = mount("1");
  tell(1, {});
  badge.remove();
  badge.setAttribute("data-state", "of the page");
  await Promise.resolve();
  await Promise.resolve();
  expect(badge.dataset["state"]).toBe("of the page");
});

test("lets a morph remove one attribute after the other, and writes its own again afterwards", async () => {
  const badge = mount("1");
  tell(1, {});
  for (let removed = 0; removed < 20; removed += 1) {
    const [name = "user-id"] = badge.getAttributeNames();
    badge.removeAttribute(name);
  }
  expect(badge.getAttributeNames()).toEqual([]);
  badge.setAttribute("user-id", "2");
  await Promise.resolve();
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
});

test("watches only while the badge is in the page, and still after a move", async () => {
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", "1");
  expect(watched()).toEqual([]);
  const [first, second] = [document.createElement("div"), document.createElement("div")];
  document.body.append(first, second);
  first.append(badge);
  second.append(badge);
  expect(watched()).toEqual([1]);
  badge.remove();
  await Promise.resolve();
  expect(watched()).toEqual([]);
});

test("starts to watch when a framework sets `user-id` later", () => {
  const badge = document.createElement("availability-badge");
  document.body.append(badge);
  expect(watched()).toEqual([]);
  badge.setAttribute("user-id", "1");
  expect(watched()).toEqual([1]);
});

test.each(["userId", "user-id"] as const)("takes the agent from the property %s, as a number or as text", (name) => {
  const badge = document.createElement("availability-badge");
  badge[name] = 5;
  document.body.append(badge);
  expect(watched()).toEqual([5]);
  badge[name] = "6";
  expect(watched()).toEqual([5, 6]);
  expect([badge.userId, badge["user-id"], badge.getAttribute("user-id")]).toEqual(["6", "6", "6"]);
});

test.each([undefined, null, 0, ""])("leaves its user and is loading after the property was set to %j", (userId) => {
  const badge = mount("1");
  badge.userId = userId;
  expect(badge.hasAttribute("user-id")).toBe(false);
  tell(1, {});
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
});

test.each(["userId", "user-id"])(
  "takes the agent from a property that a framework had set before the element was defined: %s",
  (name) => {
    const badge = document.createElement("availability-badge");
    Object.defineProperty(badge, name, { value: 8, configurable: true, enumerable: true, writable: true });
    document.body.append(badge);
    expect(watched()).toEqual([8]);
    expect(Object.keys(badge)).toEqual([]);
  },
);

test("leaves the children of the page's markup alone, and shows them again while it loads", () => {
  const badge = document.createElement("availability-badge");
  badge.append("Anna", document.createComment("of the framework"));
  const children = [...badge.childNodes];
  badge.setAttribute("user-id", "1");
  document.body.append(badge);
  tell(1, {});
  expect(readText(badge)).toBe("Available");
  badge.setAttribute("user-id", "2");
  expect(readText(badge)).toBe("Anna");
  expect([...badge.childNodes]).toEqual(children);
});

test("stays unknown after the connector was destroyed, also if the request in flight fails then", () => {
  const badge = mount("1");
  connector.become("closed");
  become(1, "error");
  expect(shown(badge)).toEqual(["Unknown", "unknown", "false", ""]);
});

test("shows a status with markup as text", () => {
  const badge = mount("1");
  tell(1, { status: "<b>free</b>" });
  expect(badge.shadowRoot?.querySelector("b")).toBeNull();
  expect(readText(badge)).toBe("<b>free</b>");
});

const END = 'See "It does not work" in the documentation';

test("warns once of each invalid user-id, and names the expected value", async () => {
  for (const text of ["{{id}}", "{{id}}", " 123 "]) mount(text);
  await Promise.resolve();
  expect(warn.mock.calls.flat()).toEqual([
    `availability-bridge: user-id: expected a whole number from 1, not "{{id}}". ${END}`,
    `availability-bridge: user-id: expected a whole number from 1, not " 123 ". ${END}`,
  ]);
});

test.each([
  ["data-state, data-reason, data-stale, data-callable", {}],
  ["userid, class, data-state, data-reason, data-stale, data-callable", { userId: "123", class: "pill" }],
  ["data-user-id, data-state, data-reason, data-stale, data-callable", { "data-user-id": "123" }],
])("warns 5 s later of a badge without user-id that has only %s", async (names, attributes) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (let count = 0; count < 2; count += 1) {
    const badge = document.createElement("availability-badge");
    for (const [name, value] of Object.entries(attributes)) badge.setAttribute(name, value);
    document.body.append(badge);
  }
  await vi.advanceTimersByTimeAsync(4_999);
  expect(warn).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(warn.mock.calls.flat()).toEqual([
    `availability-bridge: user-id: expected on each <availability-badge>, and one has only ${names}. ${END}`,
  ]);
});

test("does not warn of a badge that gets a user-id later, or is removed without a user-id", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [late, gone] = [document.createElement("availability-badge"), document.createElement("availability-badge")];
  document.body.append(late, gone);
  late.setAttribute("user-id", "1");
  gone.remove();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warn).not.toHaveBeenCalled();
});

test.each(["", "{{id}}", "0x7B", "1e2", "12.0", "+5", " 5", "05", "0", "-1", "1.5", "9007199254740992", "Bram"])(
  "watches no user for the user-id %j and is unknown",
  (userId) => {
    const failed = vi.fn();
    addEventListener("error", failed);
    onTestFinished(() => removeEventListener("error", failed));
    const badge = mount(userId);
    expect(watched()).toEqual([]);
    expect(shown(badge)).toEqual(["Unknown", "unknown", "false", ""]);
    expect(failed).not.toHaveBeenCalled();
    badge.setAttribute("user-id", "9007199254740991");
    expect(watched()).toEqual([Number.MAX_SAFE_INTEGER]);
    expect(shown(badge)).toEqual(["", "loading", "false", ""]);
    badge.setAttribute("user-id", userId);
    tell(Number.MAX_SAFE_INTEGER, {});
    expect(shown(badge)).toEqual(["Unknown", "unknown", "false", ""]);
  },
);

test("counts down a wrap-up time longer than a browser's longest timer", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const badge = mount("1");
  const seconds = 30 * 24 * 60 * 60;
  tell(1, { wrapUpTimeConfig: seconds, wrapUpTimeTtl: seconds });
  vi.advanceTimersByTime(seconds * 1_000 - 1);
  expect(shown(badge)).toEqual(["Wrapping up", "wrapping_up", "false", ""]);
  vi.advanceTimersByTime(1);
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
});

test.each([
  ["unknown-user", "Unknown agent", "unknown"],
  ["session-expired", "Session ended", "unknown"],
  ["not-allowed", "Not allowed", "not_allowed"],
  ["removed", "Removed", "removed"],
] as const)("shows the status %s, and not the availability, until the user is live again", (status, text, state) => {
  const badge = mount("1");
  become(1, status);
  expect(shown(badge)).toEqual([text, state, "false", ""]);
  tell(1, { status: "other" });
  become(1, status);
  expect(shown(badge)).toEqual([text, state, "false", ""]);
  tell(1, { version: 2 });
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
});

test("is an error if the user could not be fetched", () => {
  const badge = mount("1");
  become(1, "error");
  expect(shown(badge)).toEqual(["Error", "error", "false", ""]);
});

test.each(["stale", "error"] as const)(
  "shows the last availability with the status %s, and is not callable",
  (status) => {
    const badge = mount("1");
    tell(1, {});
    expect(badge.dataset["stale"]).toBe("false");
    become(1, status);
    expect([shown(badge), badge.dataset["stale"]]).toEqual([["Available", "available", "false", ""], "true"]);
    become(1, "live");
    expect([shown(badge), badge.dataset["stale"]]).toEqual([["Available", "available", "true", ""], "false"]);
  },
);

test.each([
  ["removed", "Removed", "removed"],
  ["unknown-user", "Unknown agent", "unknown"],
] as const)("stays %s and says that it is stale, until the user may be back", (status, text, state) => {
  const badge = mount("1");
  tell(1, {});
  become(1, status);
  become(1, "stale");
  expect([shown(badge), badge.dataset["stale"]]).toEqual([[text, state, "false", ""], "true"]);
  become(1, status);
  expect(badge.dataset["stale"]).toBe("false");
  become(1, "stale");
  connector.watching[0]?.listener({ userId: 1, status: "in_call", version: 2 });
  expect([badge.dataset["state"], badge.dataset["stale"]]).toEqual(["in_call", "true"]);
});

test.each(["session-expired", "removed", "unknown-user", "not-allowed"] as const)(
  "after %s shows an error without the availability of before, which comes back with the status live",
  (status) => {
    const badge = mount("1");
    tell(1, {});
    become(1, status);
    become(1, "error");
    expect(shown(badge)).toEqual(["Error", "error", "false", ""]);
    become(1, "stale");
    expect(shown(badge)).toEqual(["Error", "error", "false", ""]);
    expect(badge.dataset["stale"]).toBe("true");
    become(1, "live");
    expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
  },
);

test("is not callable between the first availability and its status", () => {
  const badge = mount("1");
  connector.watching[0]?.listener({ userId: 1, status: "available", version: 1 });
  expect(badge.dataset["callable"]).toBe("false");
  become(1, "stale");
  expect(badge.dataset["callable"]).toBe("false");
});

test("stays stale at the end of the wrap-up time", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const badge = mount("1");
  tell(1, { wrapUpTimeConfig: 30, wrapUpTimeTtl: 12 });
  vi.advanceTimersByTime(6_000);
  become(1, "stale");
  vi.advanceTimersByTime(5_999);
  expect(badge.dataset["state"]).toBe("wrapping_up");
  vi.advanceTimersByTime(1);
  expect([shown(badge), badge.dataset["stale"]]).toEqual([["Available", "available", "false", ""], "true"]);
});

test("does not show an availability of an ended session at the end of the wrap-up time", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const badge = mount("1");
  tell(1, { wrapUpTimeConfig: 30, wrapUpTimeTtl: 12 });
  become(1, "session-expired");
  vi.advanceTimersByTime(12_000);
  expect(shown(badge)).toEqual(["Session ended", "unknown", "false", ""]);
});

test("keeps the availability if `user-id` is set to the same value", () => {
  const badge = mount("1");
  tell(1, {});
  badge.setAttribute("user-id", "1");
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
});

test("is unknown after the connector is destroyed, also if added to the page later", () => {
  const badge = mount("1");
  tell(1, {});
  connector.become("closed");
  for (const each of [badge, mount("2")]) expect(shown(each)).toEqual(["Unknown", "unknown", "false", ""]);
});

test("listens to the state of the connector only while a badge is in the page", async () => {
  expect(connector.isObserved()).toBe(false);
  const [first, second] = [mount("1"), mount("{{id}}")];
  expect(connector.isObserved()).toBe(true);
  const last = connector;
  reconnect();
  expect([last.isObserved(), connector.isObserved()]).toEqual([false, true]);
  first.remove();
  await Promise.resolve();
  expect(connector.isObserved()).toBe(true);
  second.remove();
  await Promise.resolve();
  expect(connector.isObserved()).toBe(false);
});

test("follows the newest connector and ignores the previous connector", () => {
  const badge = mount("1");
  tell(1, {});
  const last = connector;
  last.become("closed");
  reconnect();
  expect(last.watching).toEqual([]);
  expect(watched()).toEqual([1]);
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
  tell(1, { version: 2 });
  expect(shown(badge)).toEqual(["Available", "available", "true", ""]);
});

test("is unchanged by a second definition for the same connector", () => {
  const badge = mount("1");
  tell(1, {});
  defineAvailabilityBadge(connector);
  expect(readText(badge)).toBe("Available");
  expect(watched()).toEqual([1]);
});

test("does not replace the element of another copy of the package", async () => {
  const other = createScriptedConnector();
  const copy = await loadAnotherCopy();
  copy.defineAvailabilityBadge(other);
  mount("1");
  expect(other.watching).toEqual([]);
  expect(watched()).toEqual([1]);
});

/** Loads a second copy of the package, as from a second bundle. */
function loadAnotherCopy(): Promise<typeof import("./define-badge.ts")> {
  return import(/* @vite-ignore */ `${new URL("define-badge.ts", import.meta.url).href}?copy`);
}
