/** The feed of a tab that shares with no other, in a hidden page. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { FeedEvent, FeedOptions } from "../change-feed.ts";
import { createOwnFeed } from "./own-feed.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** Opens a feed of user 1 in a hidden page. `opened` has the options of each stream. */
function setUp() {
  const opened: FeedOptions[] = [];
  const checkConnection = vi.fn();
  const retryNow = vi.fn();
  const openFeed = createOwnFeed(
    (options) => {
      opened.push(options);
      return { follow: vi.fn(), checkConnection, retryNow, close: vi.fn() };
    },
    () => true,
  );
  const feed = openFeed({ userIds: new Set([1]), onEvent: () => {} });
  return {
    feed,
    opened,
    checkConnection,
    retryNow,
    report(...events: FeedEvent[]): void {
      for (const event of events) opened.at(-1)?.onEvent(event);
    },
  };
}

test("resumes after a pause of 15 s from the last cursor", async () => {
  const { opened, report } = setUp();
  report({ type: "reset" }, { type: "current", cursor: "c1" }, { type: "heartbeat", ageMs: 0 });
  await vi.advanceTimersByTimeAsync(14_999);
  expect(opened).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(opened[1]).toMatchObject({ cursor: "c1", userIds: new Set([1]) });
});

test("resumes without a cursor after users were added in the pause, because they need a snapshot", async () => {
  const { feed, opened, report } = setUp();
  report({ type: "reset" }, { type: "current", cursor: "c1" }, { type: "heartbeat", ageMs: 0 });
  feed.follow(new Set([1, 2]));
  await vi.advanceTimersByTimeAsync(15_000);
  expect(opened[1]).toMatchObject({ cursor: undefined, userIds: new Set([1, 2]) });
});

test("resumes without a cursor from before a snapshot that has not ended", async () => {
  const { opened, report } = setUp();
  report({ type: "current", cursor: "c1" }, { type: "reset" }, { type: "heartbeat", ageMs: 0 });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(opened[1]?.cursor).toBeUndefined();
});

test("opens no stream after it is closed in a pause", async () => {
  const { feed, opened, report } = setUp();
  report({ type: "heartbeat", ageMs: 0 });
  feed.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(opened).toHaveLength(1);
});

test("tells the stream that it has to try again at once, and opens none in a pause", () => {
  const { feed, opened, retryNow, report } = setUp();
  feed.retryNow();
  report({ type: "heartbeat", ageMs: 0 });
  feed.retryNow();
  expect([retryNow.mock.calls.length, opened.length]).toEqual([1, 1]);
});

test("checks the stream that it has, and opens one in a pause, after which the pause opens no other", async () => {
  const { feed, opened, checkConnection, report } = setUp();
  feed.checkConnection(true);
  expect([checkConnection.mock.calls, opened.length]).toEqual([[[true]], 1]);
  report({ type: "heartbeat", ageMs: 0 });
  feed.checkConnection();
  expect([checkConnection.mock.calls.length, opened.length]).toEqual([1, 2]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(opened).toHaveLength(2);
});

test("resumes from the last cursor after users have left while it had a stream", async () => {
  const { feed, opened, report } = setUp();
  report({ type: "reset" }, { type: "current", cursor: "c1" });
  feed.follow(new Set([1]));
  report({ type: "heartbeat", ageMs: 0 });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(opened[1]?.cursor).toBe("c1");
});
