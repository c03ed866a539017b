import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { ConnectorState, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { createListeners } from "../listeners.ts";
import { defineAvailabilityBadge } from "./availability-badge.ts";

type BadgeConnector = Parameters<typeof defineAvailabilityBadge>[0];

interface ScriptedConnector extends BadgeConnector {
  /** Active subscriptions. */
  readonly watching: {
    readonly userId: number;
    readonly listener: (availability: WatchedAvailability) => void;
    readonly onStatus: (status: WatchStatus) => void;
  }[];
  become(state: ConnectorState): void;
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
    become(next) {
      state = next;
      states.emit(next);
    },
  };
}

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

function mount(userId: string): HTMLElement {
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

/** Returns a badge's text and the attributes for the page's styles. */
function shown({ textContent, dataset }: HTMLElement): unknown {
  return [textContent, dataset["state"], dataset["callable"], dataset["reason"]];
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
  expect(badge.textContent).toBe("Available");
});

test("is not callable until the end of the wrap-up time, with a single timer while in the page", () => {
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
  expect(vi.getTimerCount()).toBe(0);
});

test("watches the new user when `user-id` changes, and clears the last user's availability", () => {
  const badge = mount("1");
  tell(1, { status: "out_for_lunch" });
  badge.setAttribute("user-id", "2");
  expect(watched()).toEqual([2]);
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
  badge.removeAttribute("user-id");
  expect(watched()).toEqual([]);
});

test("watches only while the badge is in the page, and still after a move", () => {
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", "1");
  expect(watched()).toEqual([]);
  const [first, second] = [document.createElement("div"), document.createElement("div")];
  document.body.append(first, second);
  first.append(badge);
  second.append(badge);
  expect(watched()).toEqual([1]);
  badge.remove();
  expect(watched()).toEqual([]);
});

test("starts to watch when a framework sets `user-id` later", () => {
  const badge = document.createElement("availability-badge");
  document.body.append(badge);
  expect(watched()).toEqual([]);
  badge.setAttribute("user-id", "1");
  expect(watched()).toEqual([1]);
});

test("shows a status with markup as text", () => {
  const badge = mount("1");
  tell(1, { status: "<b>free</b>" });
  expect(badge.children).toHaveLength(0);
  expect(badge.textContent).toBe("<b>free</b>");
});

const END = 'See "It does not work" in the documentation';

test("warns once of each invalid user-id, and names the expected value", () => {
  for (const text of ["{{id}}", "{{id}}", " 123 "]) mount(text);
  expect(warn.mock.calls.flat()).toEqual([
    `availability-bridge: user-id: expected a whole number from 1, not "{{id}}". ${END}`,
    `availability-bridge: user-id: expected a whole number from 1, not " 123 ". ${END}`,
  ]);
});

test.each([
  ["data-state, data-reason, data-stale, data-callable", {}],
  ["userid, class, data-state, data-reason, data-stale, data-callable", { userId: "123", class: "pill" }],
  ["data-user-id, data-state, data-reason, data-stale, data-callable", { "data-user-id": "123" }],
])("warns 5 s later of a badge without user-id that has only %s", (names, attributes) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (let count = 0; count < 2; count += 1) {
    const badge = document.createElement("availability-badge");
    for (const [name, value] of Object.entries(attributes)) badge.setAttribute(name, value);
    document.body.append(badge);
  }
  vi.advanceTimersByTime(4_999);
  expect(warn).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(warn.mock.calls.flat()).toEqual([
    `availability-bridge: user-id: expected on each <availability-badge>, and one has only ${names}. ${END}`,
  ]);
});

test("does not warn of a badge that gets a user-id later, or is removed without a user-id", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [late, gone] = [document.createElement("availability-badge"), document.createElement("availability-badge")];
  document.body.append(late, gone);
  late.setAttribute("user-id", "1");
  gone.remove();
  vi.advanceTimersByTime(60_000);
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
    expect(watched()).toEqual([]);
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
  ["unknown-user", "Unknown", "unknown"],
  ["session-expired", "Unknown", "unknown"],
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
  expect(shown(badge)).toEqual(["Unknown", "unknown", "false", ""]);
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
  expect(badge.textContent).toBe("Available");
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
function loadAnotherCopy(): Promise<typeof import("./availability-badge.ts")> {
  return import(/* @vite-ignore */ `${new URL("availability-badge.ts", import.meta.url).href}?copy`);
}
