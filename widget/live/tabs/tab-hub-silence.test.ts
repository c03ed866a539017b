import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { FeedEvent, FeedOptions } from "../change-feed.ts";
import { createTabHub } from "./tab-hub.ts";
import type { TabPort } from "./worker-message.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

const availability = { userId: 1, status: "available", version: 3, updatedAt: 3 } as const;

/** A hub over a feed whose events the test decides. */
function setUp() {
  let feed: FeedOptions | undefined;
  const addTab = createTabHub(() => (options) => {
    feed = options;
    return { follow() {}, checkConnection() {}, retryNow() {}, close() {} };
  });
  /** Joins a tab that follows the users 1 and 2, and returns the types of the tab's events. */
  function join(): string[] {
    const types: string[] = [];
    const port: TabPort = {
      onmessage: null,
      postMessage: (message) => {
        if (message.type === "events") types.push(...message.events.map(({ type }) => type));
      },
      close() {},
    };
    addTab(port);
    port.onmessage?.(new MessageEvent("message", { data: { type: "follow", userIds: new Set([1, 2]), count: 1 } }));
    return types;
  }
  async function emit(...events: FeedEvent[]): Promise<void> {
    for (const event of events) feed?.onEvent(event);
    await vi.advanceTimersByTimeAsync(0);
  }
  return { join, emit };
}

const SNAPSHOT: readonly FeedEvent[] = [
  { type: "reset" },
  { type: "availability", availability, ageMs: 0 },
  { type: "current" },
  { type: "heartbeat", ageMs: 0 },
];
const WHOLE = ["reset", "availability", "current", "heartbeat"];

test("sends a tab that joins a whole snapshot, up to 20 s after the latest heartbeat", async () => {
  const { join, emit } = setUp();
  join();
  await emit(...SNAPSHOT);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(join()).toEqual(WHOLE);
});

test.each<[string, (emit: (event: FeedEvent) => Promise<void>) => Promise<unknown>]>([
  ["is refused", (emit) => emit({ type: "stale" })],
  ["is silent for longer", () => vi.advanceTimersByTimeAsync(20_001)],
])(
  "does not tell a tab that joins who is missing while the feed %s, but with the next heartbeat",
  async (_state, fail) => {
    const { join, emit } = setUp();
    join();
    await emit(...SNAPSHOT);
    await fail(emit);
    const types = join();
    expect(types).toEqual(["reset", "availability"]);
    // The stream has resumed, and sends no snapshot.
    await emit({ type: "heartbeat", ageMs: 0 });
    expect(types.slice(2)).toEqual(["heartbeat", ...WHOLE]);
    await emit({ type: "heartbeat", ageMs: 0 });
    expect(types.slice(7)).toEqual(["heartbeat"]);
  },
);
