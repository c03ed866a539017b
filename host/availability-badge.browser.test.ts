import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { defineAvailabilityBadge } from "./availability-badge.ts";
import type { WatchedAvailability } from "./watches.ts";

/** Who watches whom, at a connector that the test plays itself. */
const watching: { readonly userId: number; readonly listener: (availability: WatchedAvailability) => void }[] = [];

const early = document.createElement("availability-badge");
early.setAttribute("user-id", "7");
document.body.append(early);

defineAvailabilityBadge({
  watch(userId, listener) {
    const entry = { userId, listener };
    watching.push(entry);
    return () => {
      const index = watching.indexOf(entry);
      if (index >= 0) watching.splice(index, 1);
    };
  },
});

afterEach(() => document.body.replaceChildren());

function mount(userId: string): HTMLElement {
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", userId);
  document.body.append(badge);
  return badge;
}

function tell(userId: number, news: Partial<WatchedAvailability>): void {
  for (const entry of watching) {
    if (entry.userId === userId) entry.listener({ userId, status: "available", version: 1, ...news });
  }
}

const watched = (): number[] => watching.map(({ userId }) => userId);

/** What a badge shows, and what the page's styles see of it. */
function shown({ textContent, dataset }: HTMLElement): unknown {
  return [textContent, dataset["state"], dataset["callable"], dataset["reason"]];
}

test("brings a badge to life that was in the page before", () => {
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

test("says that it is loading until something is known, and leaves what the page has put into it until then", () => {
  const badge = document.createElement("availability-badge");
  badge.textContent = "…";
  badge.setAttribute("user-id", "1");
  document.body.append(badge);
  expect(shown(badge)).toEqual(["…", "loading", "false", ""]);
  tell(1, {});
  expect(badge.textContent).toBe("Available");
});

test("cannot be called until the wrap-up time has run down, for which one timer runs while it is in the page", () => {
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

test("watches another user when its attribute changes, and shows nothing of the last one", () => {
  const badge = mount("1");
  tell(1, { status: "out_for_lunch" });
  badge.setAttribute("user-id", "2");
  expect(watched()).toEqual([2]);
  expect(shown(badge)).toEqual(["", "loading", "false", ""]);
  badge.removeAttribute("user-id");
  expect(watched()).toEqual([]);
});

test("watches while it is in the page: not before, not after, and on after a move", () => {
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

test("waits for its attribute where a framework sets it later", () => {
  const badge = document.createElement("availability-badge");
  document.body.append(badge);
  expect(watched()).toEqual([]);
  badge.setAttribute("user-id", "1");
  expect(watched()).toEqual([1]);
});

test("shows text as text", () => {
  const badge = mount("1");
  tell(1, { status: "<b>free</b>" });
  expect(badge.children).toHaveLength(0);
  expect(badge.textContent).toBe("<b>free</b>");
});

test("leaves the element of another copy as it is", () => {
  const watch = vi.fn();
  defineAvailabilityBadge({ watch });
  mount("1");
  expect(watch).not.toHaveBeenCalled();
  expect(watched()).toEqual([1]);
});
