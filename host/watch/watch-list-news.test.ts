/** Availabilities that the listeners of a watch list receive. */
import { expect, onTestFinished, test, vi } from "vitest";
import type { WatchedAvailability } from "../event-types.ts";
import { availability, setUp, tick } from "./test-watch-list.ts";

test("notifies a listener of each version once, from any event, and never of an older version", async () => {
  const { watches, asked, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  announce(availability(1, 5));
  asked[0]?.fulfil({ 1: availability(1, 4), 2: availability(2, 9) });
  announce(availability(1, 5));
  announce(availability(2, 9));
  watches.handleEvent({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: availability(1, 6) }, true, true);
  watches.handleEvent({ type: "API.FETCH_AVAILABILITIES_FULFILLED", payload: { 1: availability(1, 8) } }, true, true);
  announce({ ...availability(1, 7), updatedAt: 1 });
  expect(heard.mock.calls).toEqual([5, 6, 8].map((version) => [availability(1, version)]));
});

test("ignores invalid availabilities and payloads of other events", async () => {
  const { watches, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  for (const payload of [undefined, null, 1, "1", [], { userId: 1 }, { userId: 1, version: "x" }]) {
    watches.handleEvent({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload }, true);
  }
  watches.handleEvent({ type: "USER.AVAILABILITY_HISTORY_CHANGED", payload: { userId: 1, version: 2 } }, false);
  expect(heard).not.toHaveBeenCalled();
  announce(availability(1, 1));
  expect(heard).toHaveBeenCalledOnce();
});

test("notifies a later listener of what the widget has sent, whatever the page has made of its own answer", async () => {
  const { watches, announce } = setUp();
  watches.watch(1, () => {});
  await tick();
  announce(availability(1, 4));
  const answer = availability(1, 5);
  watches.handleEvent({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: answer }, true, true);
  answer.status = "verfügbar";
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  expect(heard).toHaveBeenCalledExactlyOnceWith(availability(1, 5));
});

test("notifies a new listener of the cached availability after `watch` returns, and no listener twice", async () => {
  const { watches, announce } = setUp();
  const early = vi.fn();
  watches.watch(1, early);
  announce(availability(1, 3));
  const late = vi.fn();
  watches.watch(1, late);
  expect(late).not.toHaveBeenCalled();
  await tick();
  expect(late).toHaveBeenCalledExactlyOnceWith(availability(1, 3));
  expect(early).toHaveBeenCalledOnce();
});

test("keeps the cached availability of a user whose listener is replaced within a task", async () => {
  const { watches, asked, announce } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  announce(availability(1, 3));
  off();
  const moved = vi.fn();
  watches.watch(1, moved);
  await tick();
  expect(moved).toHaveBeenCalledExactlyOnceWith(availability(1, 3));
  expect(asked).toHaveLength(1);
});

test("notifies a late listener with the remaining wrap-up time", async () => {
  const { watches, announce } = setUp();
  watches.watch(1, () => {});
  await vi.advanceTimersByTimeAsync(1_000);
  announce({ ...availability(1, 3), wrapUpTimeConfig: 30, wrapUpTimeTtl: 10 });
  const left: unknown[] = [];
  const hear = ({ wrapUpTimeTtl }: WatchedAvailability): void => void left.push(wrapUpTimeTtl);
  watches.watch(1, hear);
  await vi.advanceTimersByTimeAsync(3_500);
  watches.watch(1, hear);
  await vi.advanceTimersByTimeAsync(30_000);
  watches.watch(1, hear);
  await tick();
  expect(left).toEqual([10, 7, 0]);
});

test("notifies listeners of the latest version again if its wrap-up time ends sooner, because the machine has slept", async () => {
  const { watches, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  const wrappingUp = (version: number, wrapUpTimeTtl: number) => ({ ...availability(1, version), wrapUpTimeTtl });
  announce(wrappingUp(5, 300));
  // The monotonic clock has stood still: 10 s instead of 250.
  await vi.advanceTimersByTimeAsync(10_000);
  announce(wrappingUp(5, 50));
  // The availability over different ways: rounded, after a longer way, and in an older version.
  announce(wrappingUp(5, 48));
  announce(wrappingUp(5, 90));
  announce(wrappingUp(4, 0));
  announce(wrappingUp(5, 0));
  expect(heard.mock.calls.flat().map(({ version, wrapUpTimeTtl }) => [version, wrapUpTimeTtl])).toEqual([
    [5, 300],
    [5, 50],
    [5, 0],
  ]);
});

test("drops availabilities when the session ends, and still notifies no listener twice", async () => {
  const { watches, announce } = setUp();
  const early = vi.fn();
  watches.watch(1, early);
  announce(availability(1, 3));
  watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
  const late = vi.fn();
  watches.watch(1, late);
  await tick();
  expect(late).not.toHaveBeenCalled();
  announce(availability(1, 3));
  expect(late).toHaveBeenCalledExactlyOnceWith(availability(1, 3));
  expect(early).toHaveBeenCalledOnce();
});

test("reports a listener that throws, and notifies the others", async () => {
  const { watches, announce } = setUp();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const mistake = new Error("a listener's mistake");
  watches.watch(1, () => {
    throw mistake;
  });
  const heard = vi.fn();
  watches.watch(1, heard);
  announce(availability(1, 1));
  expect(report).toHaveBeenCalledExactlyOnceWith(mistake);
  expect(heard).toHaveBeenCalledOnce();
});

test("does not call a listener that was unsubscribed during the notification", async () => {
  const { watches, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, () => off());
  const off = watches.watch(1, heard);
  announce(availability(1, 1));
  expect(heard).not.toHaveBeenCalled();
});

test("calls a listener once for each version of a user who is named twice", async () => {
  const { watches, asked } = setUp();
  const heard = vi.fn();
  watches.watch([1, 1], heard);
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 3) });
  expect(heard).toHaveBeenCalledOnce();
});
