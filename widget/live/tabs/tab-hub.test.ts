/** The worker's side of a shared feed, with tabs and a feed that the test plays. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { TokenSession } from "../../gateway/session.ts";
import type { FeedEvent, FeedOptions } from "../change-feed.ts";
import type { FollowedUsers } from "../followed-users.ts";
import { createTabHub } from "./tab-hub.ts";
import type { TabMessage, TabPort, WorkerMessage } from "./worker-message.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const availability = (userId: number, version = 1): FeedEvent => ({
  type: "availability",
  availability: { userId, status: "available", version, updatedAt: 1 },
  ageMs: 0,
});

const usersFrom = (first: number, count: number) =>
  new Set(Array.from({ length: count }, (_unused, index) => first + index));

function setUp() {
  const feeds: (FeedOptions & { readonly follow: (userIds: FollowedUsers) => void; readonly close: () => void })[] = [];
  const checkConnection = vi.fn();
  let session: TokenSession | undefined;
  const connect = createTabHub((given) => {
    session = given;
    return openFeed;
  });
  function openFeed(options: FeedOptions) {
    const feed = { follow: vi.fn(), checkConnection, retryNow: vi.fn(), close: vi.fn() };
    feeds.push({ ...options, ...feed });
    return feed;
  }
  return {
    /** Requests something with the tokens of the tabs. */
    request: (call: (token: string | undefined) => Promise<string>) =>
      session?.withToken(new AbortController().signal, call),
    feeds,
    checkConnection,
    /** Opens a tab, which has not joined yet. */
    open() {
      const received: WorkerMessage[] = [];
      const port: TabPort = { postMessage: (message) => received.push(message), onmessage: null, close: vi.fn() };
      connect(port);
      return {
        port,
        received,
        /** Types of the events in each message. */
        heard: () =>
          received.map((message) =>
            message.type === "events" ? message.events.map(({ type }) => type) : message.type,
          ),
        say: (data: TabMessage) => void port.onmessage?.(new MessageEvent("message", { data })),
      };
    },
    /** Reports events in one task. */
    async report(...events: FeedEvent[]): Promise<void> {
      for (const event of events) feeds.at(-1)?.onEvent(event);
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

test("sends all events of a task in one message, with the time, and to a tab those of its users alone", async () => {
  const { open, report } = setUp();
  const [one, two] = [open(), open()];
  one.say({ type: "follow", userIds: new Set([1]), count: 1 });
  two.say({ type: "follow", userIds: new Set([2]), count: 1 });
  await report({ type: "reset" }, availability(1), { type: "current" });
  await report(availability(2), { type: "removal", userId: 2, version: 2 });
  expect(one.heard()).toEqual([["reset"], ["reset", "availability", "current"]]);
  expect(two.heard()).toEqual([["reset"], ["reset", "current"], ["availability", "removal"]]);
  expect(one.received.at(-1)).toMatchObject({ sentAt: performance.now() });
});

test("answers a ping and a check without events, and checks the stream for a check alone", () => {
  const { open, checkConnection } = setUp();
  const tab = open();
  tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
  tab.say({ type: "ping" });
  expect(checkConnection).not.toHaveBeenCalled();
  tab.say({ type: "check", hasSlept: false });
  expect(checkConnection).toHaveBeenCalledOnce();
  expect(tab.heard().slice(1)).toEqual([[], []]);
});

test("closes the stream after the last tab has left, and opens another for the next one, which begins with nothing", async () => {
  const { open, feeds, report } = setUp();
  const [one, two] = [open(), open()];
  one.say({ type: "follow", userIds: new Set([1]), count: 1 });
  two.say({ type: "follow", userIds: new Set([1]), count: 1 });
  await report({ type: "reset" }, availability(1), { type: "current" });
  one.say({ type: "leave" });
  expect(one.port.close).toHaveBeenCalledOnce();
  expect(feeds[0]?.close).not.toHaveBeenCalled();
  two.say({ type: "leave" });
  expect(feeds[0]?.close).toHaveBeenCalledOnce();
  const later = open();
  later.say({ type: "follow", userIds: new Set([1]), count: 1 });
  expect(feeds).toHaveLength(2);
  expect(later.heard()).toEqual([["reset"]]);
});

test("removes every tab when the gateway rejects their tokens, so that each asks with its own", async () => {
  const { open, report, feeds } = setUp();
  const tabs = [open(), open()];
  for (const tab of tabs) tab.say({ type: "follow", userIds: undefined, count: 1 });
  await report({ type: "unauthorized" });
  for (const tab of tabs) {
    expect(tab.heard().at(-1)).toBe("end");
    expect(tab.port.close).toHaveBeenCalledOnce();
  }
  expect(feeds[0]?.close).toHaveBeenCalledOnce();
});

test("streams the users of all tabs by name up to a hundred, and all users beyond", () => {
  const { open, feeds } = setUp();
  open().say({ type: "follow", userIds: usersFrom(1, 60), count: 1 });
  open().say({ type: "follow", userIds: usersFrom(61, 40), count: 1 });
  expect(feeds).toHaveLength(1);
  expect(feeds[0]?.follow).toHaveBeenCalledExactlyOnceWith(usersFrom(1, 100));
  open().say({ type: "follow", userIds: new Set([101]), count: 1 });
  expect(feeds.map(({ userIds }) => userIds)).toEqual([usersFrom(1, 60), undefined]);
  expect(feeds[0]?.close).toHaveBeenCalledOnce();
});

test("sends a tab that joins late the age of all that it knows, and the gateway's last sign of life", async () => {
  const { open, report } = setUp();
  open().say({ type: "follow", userIds: undefined, count: 1 });
  await report(
    { type: "reset" },
    availability(1),
    availability(2),
    { type: "current" },
    { type: "heartbeat", ageMs: 5 },
  );
  await report({ type: "removal", userId: 2, version: 3 });
  await vi.advanceTimersByTimeAsync(1_000);
  const late = open();
  late.say({ type: "follow", userIds: new Set([1, 2]), count: 1 });
  expect(late.received).toMatchObject([
    {
      type: "events",
      events: [
        { type: "reset" },
        { type: "availability", availability: { userId: 1 }, ageMs: 1_000 },
        { type: "current" },
        { type: "heartbeat", ageMs: 1_005 },
      ],
    },
  ]);
});

test("sends a tab that joins late neither `current` nor a sign of life after the gateway has refused the stream", async () => {
  const { open, report } = setUp();
  open().say({ type: "follow", userIds: undefined, count: 1 });
  await report({ type: "reset" }, { type: "current" }, { type: "heartbeat", ageMs: 0 }, { type: "stale" });
  const late = open();
  late.say({ type: "follow", userIds: new Set([1]), count: 1 });
  expect(late.heard()).toEqual([["reset"]]);
});

test("sends a tab that follows others what it knows of these alone", async () => {
  const { open, report } = setUp();
  open().say({ type: "follow", userIds: undefined, count: 1 });
  const tab = open();
  tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
  await report({ type: "reset" }, availability(1), availability(2), { type: "current" });
  tab.say({ type: "follow", userIds: new Set([1, 2]), count: 1 });
  expect(tab.received.at(-1)).toMatchObject({ events: [{ type: "availability", availability: { userId: 2 } }] });
});

test("sends the events of the current task before what a tab that follows others gets", async () => {
  const { open, feeds, report } = setUp();
  const tab = open();
  tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
  await report({ type: "reset" }, { type: "current" });
  feeds[0]?.onEvent(availability(1, 2));
  tab.say({ type: "follow", userIds: undefined, count: 1 });
  expect(tab.heard().slice(2)).toEqual([["availability"], []]);
  await vi.advanceTimersByTimeAsync(0);
  expect(tab.heard()).toHaveLength(4);
});

test("sends a tab that joins late `current` for a user whom the stream has reported since its snapshot", async () => {
  const { open, report } = setUp();
  open().say({ type: "follow", userIds: new Set([1]), count: 1 });
  await report({ type: "reset" }, { type: "current" }, { type: "heartbeat", ageMs: 0 }, availability(2));
  const late = open();
  late.say({ type: "follow", userIds: new Set([2]), count: 1 });
  expect(late.heard()).toEqual([["reset", "availability", "current", "heartbeat"]]);
});

test("asks the tab that joined last for a token, and after 1 s without an answer removes it and asks the one before", async () => {
  const { open, request } = setUp();
  const [first, last] = [open(), open()];
  for (const tab of [first, last]) tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
  const requesting = request(() => Promise.resolve("unexpected"));
  expect([first.heard(), last.heard()]).toEqual([[["reset"]], [["reset"], "lend"]]);
  const rejected = expect(requesting).rejects.toMatchObject({ status: 401 });
  await vi.advanceTimersByTimeAsync(1_000);
  expect([first.heard(), last.heard().slice(1)]).toEqual([
    [["reset"], "lend"],
    ["lend", "end"],
  ]);
  await vi.advanceTimersByTimeAsync(1_000);
  await rejected;
});

test("answers a tab that has not joined, and lets it leave", () => {
  const { open, feeds } = setUp();
  const tab = open();
  tab.say({ type: "check", hasSlept: true });
  expect(tab.heard()).toEqual([[]]);
  tab.say({ type: "leave" });
  expect(tab.port.close).toHaveBeenCalledOnce();
  expect(feeds).toEqual([]);
});

test("keeps the stream as it is for a tab whose users it has", () => {
  const { open, feeds } = setUp();
  open().say({ type: "follow", userIds: new Set([1, 2]), count: 1 });
  open().say({ type: "follow", userIds: new Set([2]), count: 1 });
  expect(feeds).toHaveLength(1);
  expect(feeds[0]?.follow).not.toHaveBeenCalled();
});

test("sends a tab that follows others those whom the gateway cannot read", async () => {
  const { open, report } = setUp();
  open().say({ type: "follow", userIds: undefined, count: 1 });
  const tab = open();
  tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
  await report({ type: "reset" }, availability(1), { type: "unreadable", userId: 2 }, { type: "current" });
  tab.say({ type: "follow", userIds: new Set([1, 2]), count: 1 });
  expect(tab.received.at(-1)).toMatchObject({ events: [{ type: "unreadable", userId: 2 }] });
});

describe("a tab that has got a snapshot without its end", () => {
  /** A tab that has joined while the stream was refused. */
  async function setUpIncomplete() {
    const world = setUp();
    world.open().say({ type: "follow", userIds: undefined, count: 1 });
    await world.report({ type: "reset" }, { type: "current" }, { type: "heartbeat", ageMs: 0 }, { type: "stale" });
    const tab = world.open();
    tab.say({ type: "follow", userIds: new Set([1]), count: 1 });
    expect(tab.heard()).toEqual([["reset"]]);
    return { ...world, tab };
  }

  test("gets the next snapshot of the stream once", async () => {
    const { tab, report } = await setUpIncomplete();
    await report({ type: "reset" }, availability(1), { type: "current" }, { type: "heartbeat", ageMs: 0 });
    expect(tab.heard().slice(1)).toEqual([["reset", "availability", "current", "heartbeat"]]);
  });

  test("gets nothing after it has left", async () => {
    const { tab, report } = await setUpIncomplete();
    tab.say({ type: "leave" });
    await report({ type: "heartbeat", ageMs: 0 });
    expect(tab.heard()).toHaveLength(1);
  });
});
