/** The tab's side of a shared feed, with a worker that the test plays. */
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { ChangeFeed, FeedEvent } from "../change-feed.ts";
import { openWorkerFeed, type StreamWorker } from "./worker-feed.ts";
import type { WorkerMessage } from "./worker-message.ts";

beforeEach(() => {
  vi.useFakeTimers();
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  onTestFinished(() => {
    vi.useRealTimers();
    warn.mockRestore();
  });
});

const removal = (userId: number): FeedEvent => ({ type: "removal", userId, version: 1 });

/** Opens a feed of user 1. `beforeOpen` may throw as the browser does. `workers` has each worker that the feed has opened. */
function setUp(
  onEvent: (event: FeedEvent, feed: () => ChangeFeed) => void = () => {},
  beforeOpen: () => void = () => {},
) {
  const workers: (StreamWorker & { readonly posted: unknown[]; readonly close: () => void })[] = [];
  const own = { follow: vi.fn(), checkConnection: vi.fn(), retryNow: vi.fn(), close: vi.fn() };
  const openOwnFeed = vi.fn(() => own);
  const provideToken = vi.fn(async (_signal: AbortSignal, isAccepted: (token: string) => Promise<boolean>) => {
    await isAccepted("t1");
  });
  const events: FeedEvent[] = [];
  const feed: ChangeFeed = openWorkerFeed(
    {
      openWorker() {
        beforeOpen();
        const posted: unknown[] = [];
        const close = vi.fn();
        const port = { postMessage: (message: unknown) => posted.push(message), onmessage: null, close };
        const worker = { port, onerror: null, posted, close };
        workers.push(worker);
        return worker;
      },
      provideToken,
      openOwnFeed,
    },
    {
      userIds: new Set([1]),
      onEvent(event) {
        events.push(event);
        onEvent(event, () => feed);
      },
    },
  );
  return {
    feed,
    workers,
    own,
    openOwnFeed,
    provideToken,
    events,
    /** Sends a message of a worker to the tab. */
    say(message: WorkerMessage, ports: MessagePort[] = [], at = workers.length - 1): void {
      workers[at]?.port.onmessage?.(new MessageEvent("message", { data: message, ports }));
    },
    answer: (sentAt = performance.now()): WorkerMessage => ({ type: "events", events: [], sentAt, followCount: 1 }),
  };
}

test("tells the worker which users the tab follows, and that it leaves", () => {
  const { feed, workers, own } = setUp();
  feed.follow(new Set([1, 2]));
  feed.close();
  expect(workers[0]?.posted).toEqual([
    { type: "follow", userIds: new Set([1]), count: 1 },
    { type: "follow", userIds: new Set([1, 2]), count: 2 },
    { type: "leave" },
  ]);
  expect(workers[0]?.close).toHaveBeenCalledOnce();
  expect(own.close).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("adds the time for which a busy tab did not receive a message to the ages of its events", async () => {
  const { say, events } = setUp();
  // The worker was started 7 s after the tab.
  const readWorkerClock = (): number => performance.now() - 7_000;
  say({ type: "events", events: [], sentAt: readWorkerClock(), followCount: 1 });
  const sentAt = readWorkerClock();
  await vi.advanceTimersByTimeAsync(300);
  say({ type: "events", events: [{ type: "heartbeat", ageMs: 200 }, removal(1)], sentAt, followCount: 1 });
  say({ type: "events", events: [{ type: "heartbeat", ageMs: 200 }], sentAt: readWorkerClock(), followCount: 1 });
  expect(events).toEqual([{ type: "heartbeat", ageMs: 500 }, removal(1), { type: "heartbeat", ageMs: 200 }]);
});

test("reports no further event of a message after an event by which the caller closes the feed", () => {
  const { say, events } = setUp((_event, feed) => feed().close());
  say({ type: "events", events: [removal(1), removal(2)], sentAt: performance.now(), followCount: 1 });
  expect(events).toEqual([removal(1)]);
});

test("sends a ping 10 s after each message of the worker, and opens another worker 2 s after a ping without an answer", async () => {
  const { say, answer, workers } = setUp();
  say(answer());
  await vi.advanceTimersByTimeAsync(9_999);
  expect(workers[0]?.posted).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(workers[0]?.posted.slice(1)).toEqual([{ type: "ping" }]);
  await vi.advanceTimersByTimeAsync(1_000);
  say(answer());
  await vi.advanceTimersByTimeAsync(11_999);
  expect([workers.length, workers[0]?.posted.length]).toEqual([1, 3]);
  await vi.advanceTimersByTimeAsync(1);
  expect(workers).toHaveLength(2);
  expect(workers[0]?.posted.slice(3)).toEqual([{ type: "leave" }]);
  expect(workers[1]?.posted).toEqual([{ type: "follow", userIds: new Set([1]), count: 2 }]);
});

test("ignores what a worker says or fires after the tab has left it", async () => {
  const { say, workers, events, openOwnFeed } = setUp();
  say({ type: "events", events: [removal(1)], sentAt: performance.now(), followCount: 1 });
  await vi.advanceTimersByTimeAsync(12_000);
  expect(workers).toHaveLength(2);
  say({ type: "events", events: [removal(2)], sentAt: performance.now(), followCount: 1 }, [], 0);
  workers[0]?.onerror?.(new Event("error") as ErrorEvent);
  expect([events, openOwnFeed.mock.calls]).toEqual([[removal(1)], []]);
});

test("makes the worker check its stream when the page is shown, and expects an answer within 2 s", async () => {
  const { feed, say, answer, workers } = setUp();
  say(answer());
  feed.checkConnection();
  expect(workers[0]?.posted.slice(1)).toEqual([{ type: "check", hasSlept: false }]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(workers).toHaveLength(2);
});

test("opens a feed of its own 5 s after the worker gives no answer, says so once, and tries the worker every 60 s", async () => {
  const { feed, own, openOwnFeed, workers, say, answer } = setUp();
  await vi.advanceTimersByTimeAsync(4_999);
  expect(openOwnFeed).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(openOwnFeed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ userIds: new Set([1]) }));
  feed.follow(new Set([2]));
  feed.checkConnection();
  expect(own.follow).toHaveBeenCalledExactlyOnceWith(new Set([2]));
  expect(own.checkConnection).toHaveBeenCalledOnce();
  feed.retryNow();
  expect(own.retryNow).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(59_999);
  expect(workers).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(workers[1]?.posted).toEqual([{ type: "follow", userIds: new Set([2]), count: 3 }]);
  await vi.advanceTimersByTimeAsync(65_000);
  expect(workers).toHaveLength(3);
  expect(openOwnFeed).toHaveBeenCalledOnce();
  expect(vi.mocked(console.warn).mock.calls).toEqual([
    ["availability-bridge: the tabs share no stream: the shared worker is denied or does not answer"],
  ]);
  say(answer());
  expect(own.close).toHaveBeenCalledOnce();
  feed.checkConnection();
  expect(workers[2]?.posted.at(-1)).toEqual({ type: "check", hasSlept: false });
});

test("opens a feed of its own at once if the browser denies the worker, by an exception or by an event", () => {
  const thrown = setUp(undefined, () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  });
  expect(thrown.openOwnFeed).toHaveBeenCalledOnce();
  const fired = setUp();
  expect(fired.openOwnFeed).not.toHaveBeenCalled();
  fired.workers[0]?.onerror?.(new Event("error") as ErrorEvent);
  expect(fired.openOwnFeed).toHaveBeenCalledOnce();
});

test("leaves a worker that does not answer, and ignores its late answer", async () => {
  const { workers, say, events } = setUp();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(workers[0]?.posted.at(-1)).toEqual({ type: "leave" });
  expect(workers[0]?.close).toHaveBeenCalledOnce();
  say({ type: "events", events: [removal(1)], sentAt: performance.now(), followCount: 1 });
  expect(events).toEqual([]);
});

test("closes its own feed with the feed, and tries no worker from then on", async () => {
  const { feed, own, say, workers } = setUp();
  say({ type: "end" });
  feed.close();
  expect(own.close).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(workers).toHaveLength(1);
});

test("lends the page's token over the port of the worker's message, and none without a port", async () => {
  const { say, provideToken } = setUp();
  vi.useRealTimers();
  say({ type: "lend" });
  expect(provideToken).not.toHaveBeenCalled();
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const loans: unknown[] = [];
  const ended = new Promise<void>((resolve) => {
    port1.onmessage = ({ data }) => {
      loans.push(data);
      if (data === "none") resolve();
      else if (data !== "asking") port1.postMessage(true);
    };
  });
  say({ type: "lend" }, [port2]);
  await ended;
  expect(loans).toEqual(["asking", { token: "t1" }, "none"]);
});
