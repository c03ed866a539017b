import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Envelope, Settlement } from "../../shared/protocol/envelope.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { ConnectorState, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { createWatchList, type WatchList } from "./watch-list.ts";

interface Asked {
  readonly type: string;
  readonly payload: unknown;
  readonly signal: AbortSignal;
  isSettled(): boolean;
  fulfil(payload: unknown): void;
  reject(error: object, meta?: object): void;
}

interface OtherSide {
  readonly watches: WatchList;
  /** All requests of the watch list, oldest first. */
  readonly asked: Asked[];
  /** Changes the connector's state. */
  become(state: ConnectorState): void;
  announce(availability: object): void;
  /** Simulates a request of the page that the widget fulfils at once. */
  pageRequest(event: Envelope): void;
}

/** Creates a watch list with a scripted, connected connector and a fake clock. The widget knows the given requests. */
function setUp(...known: readonly string[]): OtherSide {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: Asked[] = [];
  let state: ConnectorState = "ready";
  const watches = createWatchList({
    clock: createTimerQueue(),
    state: () => state,
    knowsRequest: (type) => known.includes(type),
    sendRequest: ({ type, payload }, { signal }, onSettled = () => {}) => {
      let isSettled = false;
      const settle = (settlement: Settlement): void => {
        isSettled = true;
        if (settlement.type.endsWith("_FULFILLED")) watches.handleEvent(settlement, carries(settlement.type));
        onSettled(settlement);
      };
      asked.push({
        type,
        payload,
        signal,
        isSettled: () => isSettled,
        fulfil: (answer) => settle({ type: `${type}_FULFILLED`, payload: answer }),
        reject: (error, meta) =>
          settle({ type: `${type}_REJECTED`, payload: { error }, meta: { source: "bridge", ...meta } }),
      });
    },
  });
  return {
    watches,
    pageRequest(event) {
      watches.handlePageDispatch(event);
      watches.handlePageRequest(event);
    },
    asked,
    become(next) {
      state = next;
      watches.resubscribe();
    },
    announce: (payload) => watches.handleEvent({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload }, true),
  };
}

/** Returns true if the payload of a settlement contains availabilities. */
const carries = (type: string): boolean => /^API\.(WATCH_AVAILABILITIES|CHANGE_WATCHED_USERS)_FULFILLED$/.test(type);

const tick = () => vi.advanceTimersByTimeAsync(0);

/** Creates a watch list of user 1 and a service. The first widget has fulfilled the request and is lost. */
async function setUpLost(): Promise<OtherSide> {
  const side = setUp();
  side.watches.watch(1, () => {});
  side.pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  await tick();
  side.asked.at(-1)?.fulfil({});
  side.become("reconnecting");
  await tick();
  return side;
}

const availability = (userId: number, version: number) => ({ userId, status: "available", version });
const watching = (...userIds: number[]) => ({ variables: { userIds } });
const unavailable = { code: "BACKEND_UNREACHABLE", message: "", retryable: true };

test("sends a single request for all users watched in a task, without duplicates", async () => {
  const { watches, asked } = setUp();
  for (const userId of [10, 9, 10, 2]) watches.watch(userId, () => {});
  expect(asked).toEqual([]);
  await tick();
  expect(asked).toMatchObject([{ type: "API.WATCH_AVAILABILITIES", payload: watching(10, 9, 2) }]);
});

test("sends no request if the set of users is unchanged", async () => {
  const { watches, asked } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  watches.watch(1, () => {});
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("removes a user with the last listener, and sends an empty list after the last user", async () => {
  const { watches, asked } = setUp();
  const [first, second, other] = [watches.watch(1, () => {}), watches.watch(1, () => {}), watches.watch(2, () => {})];
  await tick();
  asked[0]?.fulfil({});
  first();
  first();
  await tick();
  expect(asked).toHaveLength(1);
  second();
  await tick();
  asked[1]?.fulfil({});
  other();
  await tick();
  expect(asked.map(({ payload }) => payload)).toEqual([watching(1, 2), watching(2), watching()]);
});

test("sends a changed set only after the settlement of the pending request", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  watches.watch(2, () => {});
  watches.watch(3, () => {});
  await tick();
  expect(asked).toHaveLength(1);
  asked[0]?.fulfil({});
  expect(asked).toMatchObject([{}, { payload: watching(1, 2, 3) }]);
  expect(asked[0]?.signal.aborted).toBe(false);
});

test("replaces a queued request, so that the next widget receives the whole set", async () => {
  const { watches, asked, become } = setUp();
  become("connecting");
  watches.watch(1, () => {});
  await tick();
  watches.watch(2, () => {});
  await tick();
  expect(asked.map(({ payload, signal }) => [payload, signal.aborted])).toEqual([
    [watching(1), true],
    [watching(1, 2), false],
  ]);
});

test("notifies a listener of each version once, from any event, and never of an older version", async () => {
  const { watches, asked, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  announce(availability(1, 5));
  asked[0]?.fulfil({ 1: availability(1, 4), 2: availability(2, 9) });
  announce(availability(1, 5));
  announce(availability(2, 9));
  watches.handleEvent({ type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: availability(1, 6) }, true);
  watches.handleEvent({ type: "API.FETCH_AVAILABILITIES_FULFILLED", payload: { 1: availability(1, 8) } }, true);
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

test("requests a user that the page's own request already watches, to get the availability", async () => {
  const { pageRequest, watches, asked } = setUp();
  pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [1] } } });
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 3) });
  expect(heard).toHaveBeenCalledExactlyOnceWith(availability(1, 3));
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

test.each([0, -1, 1.5, Number.NaN, 2 ** 53, "123", null, undefined])("rejects %j as a user's id", (userId) => {
  const { watches } = setUp();
  expect(() => watches.watch(userId as never, () => {})).toThrow(
    new TypeError("userId: expected a whole number from 1"),
  );
});

test("sends services and then users to the next widget", async () => {
  const { asked } = await setUpLost();
  expect(asked.slice(1)).toMatchObject([
    { type: "BUS.INIT", payload: { services: ["USER"] } },
    { type: "API.WATCH_AVAILABILITIES", payload: watching(1) },
  ]);
});

test.each([
  ["with the same users", false],
  ["also if the watched users change before", true],
])("sends services again within 20 s if the next widget could not start them, %s", async (_name, changes) => {
  const { watches, asked } = await setUpLost();
  const [init, watch] = asked.slice(-2);
  init?.reject(unavailable);
  watch?.fulfil({});
  if (changes) watches.watch(2, () => {});
  await tick();
  if (changes) asked.at(-1)?.fulfil({});
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.slice(before).map(({ type }) => type)).toEqual(["BUS.INIT", "API.WATCH_AVAILABILITIES"]);
  for (const { fulfil } of asked.slice(before)) fulfil({});
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked).toHaveLength(before + 2);
});

test("retries once within 20 s after several failures", async () => {
  const { watches, asked } = await setUpLost();
  for (const { reject } of asked.slice(-2)) reject(unavailable);
  watches.watch(2, () => {});
  await tick();
  asked.at(-1)?.reject(unavailable);
  expect(vi.getTimerCount()).toBe(1);
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked).toHaveLength(before + 2);
});

test("does not restart a service that the page has stopped", async () => {
  const { pageRequest, asked, become } = setUp();
  pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  pageRequest({ type: "BUS.DESTROY", payload: { services: ["USER"] } });
  become("reconnecting");
  await tick();
  expect(asked).toEqual([]);
});

test("adds the users of the page's own request to the list, and sends them again as well", async () => {
  const { pageRequest, watches, asked, become } = setUp();
  pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(3, 2) });
  await tick();
  expect(asked).toEqual([]);
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("ready");
  await tick();
  expect(asked.map(({ payload }) => payload)).toEqual([watching(3, 2, 1), watching(3, 2, 1)]);
});

test("sends the list again after the page's own request has replaced the list", async () => {
  const { pageRequest, watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(2) });
  await tick();
  expect(asked.at(-1)?.payload).toEqual(watching(2, 1));
});

test("retries within 20 s after a retryable failure while users are watched", async () => {
  const { watches, asked } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.reject(unavailable);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked).toHaveLength(2);
  asked[1]?.reject(unavailable);
  off();
  await tick();
  asked[2]?.fulfil({});
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked.map(({ payload }) => payload)).toEqual([watching(1), watching(1), watching()]);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([404, 500, 503])("retries within 8 s after a rejection by the backend with %i", async (status) => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.reject({}, { source: "backend", status });
  await vi.advanceTimersByTimeAsync(8_000);
  expect(asked).toHaveLength(2);
});

test.each([
  ["a rejection of the token by the backend", {}, { source: "backend", status: 401 }],
  ["a lack of rights", {}, { source: "backend", status: 403 }],
  ["the removal of the iframe", { code: "CONNECTION_CLOSED", message: "", retryable: true }, {}],
])("does not retry after %s until the set changes or a new widget connects", async (_name, error, meta) => {
  const { watches, asked, become } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.reject(error, meta);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toHaveLength(1);
  watches.watch(2, () => {});
  await tick();
  expect(asked).toHaveLength(2);
  asked[1]?.reject(error, meta);
  become("ready");
  await tick();
  expect(asked).toHaveLength(3);
});

test("does not connect for a user without listeners", async () => {
  const { watches, asked, become } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("reconnecting");
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("sets no timer for watched users", async () => {
  const { watches, asked } = setUp();
  for (let userId = 1; userId <= 1_000; userId += 1) watches.watch(userId, () => {});
  await tick();
  asked[0]?.fulfil({});
  expect(vi.getTimerCount()).toBe(0);
});

test("sends no request and notifies no listener after the connector is closed", async () => {
  const { watches, asked, become, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, () => {});
  announce(availability(1, 1));
  const off = watches.watch(1, heard);
  become("closed");
  await tick();
  off();
  watches.watch(2, heard);
  await tick();
  expect(asked).toEqual([]);
  expect(heard).not.toHaveBeenCalled();
});

const anyUser = fc.integer({ min: 1, max: 3 });

/** Steps of the property test, in any order. */
const happening = fc.oneof(
  fc.record({ what: fc.constant("change" as const), userId: anyUser, isAnnounced: fc.boolean() }),
  fc.record({ what: fc.constant("repeat" as const), userId: anyUser, versionsBack: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ what: fc.constant("watch" as const), userId: anyUser, watchesAnother: fc.option(anyUser) }),
  fc.record({ what: fc.constant("leave" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ what: fc.constantFrom("fulfil" as const, "reject" as const, "wait" as const) }),
  fc.record({ what: fc.constant("name" as const), userIds: fc.uniqueArray(anyUser) }),
  fc.record({ what: fc.constantFrom("lose" as const, "find" as const, "resume" as const, "end" as const) }),
);

test.each([
  ["an older widget", []],
  ["a widget that takes changes", ["API.CHANGE_WATCHED_USERS"]],
])(
  "notifies each listener of the latest version, never of an older version or twice, and sends all users to %s, after any order of steps",
  async (_name, known) => {
    const orders = fc.array(happening, { maxLength: 40, size: "max" });
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const { pageRequest, watches, asked, become, announce } = setUp(...known);
        const latest = new Map([1, 2, 3].map((userId) => [userId, 1]));
        const listeners: { readonly userId: number; readonly heard: number[]; readonly off: () => void }[] = [];
        let named: readonly number[] = [];
        /** Users watched by the widget. */
        let watched: readonly number[] = [];
        const open = () => asked.filter(({ signal, isSettled }) => !signal.aborted && !isSettled());

        /** Connects a new widget, which watches no user. */
        function connect(): void {
          watched = [];
          become("ready");
        }
        function watch(userId: number, another: number | null): void {
          const heard: number[] = [];
          const off = watches.watch(userId, ({ version }) => {
            if (heard.push(version) === 1 && another !== null) watch(another, null);
          });
          listeners.push({ userId, heard, off });
        }
        function fulfil({ payload, fulfil }: Asked): void {
          const { variables } = payload as {
            variables: { userIds: number[] } | { added: number[]; removed: number[] };
          };
          const userIds = "added" in variables ? variables.added : variables.userIds;
          const kept = "added" in variables ? watched.filter((userId) => !variables.removed.includes(userId)) : [];
          watched = [...kept, ...userIds];
          const read = userIds.map((userId) => [userId, availability(userId, latest.get(userId) ?? 0)]);
          fulfil(Object.fromEntries(read));
        }

        for (const step of order) {
          switch (step.what) {
            case "change": {
              const version = (latest.get(step.userId) ?? 0) + 1;
              latest.set(step.userId, version);
              if (step.isAnnounced) announce(availability(step.userId, version));
              break;
            }
            case "repeat":
              announce(availability(step.userId, Math.max(0, (latest.get(step.userId) ?? 0) - step.versionsBack)));
              break;
            case "watch":
              watch(step.userId, step.watchesAnother);
              break;
            case "leave":
              for (const { off } of listeners.splice(step.at, 1)) off();
              break;
            case "fulfil":
              open().slice(0, 1).forEach(fulfil);
              break;
            case "reject":
              open()[0]?.reject({ code: "BACKEND_TIMEOUT", message: "", retryable: true });
              break;
            case "wait":
              await tick();
              break;
            case "name":
              named = step.userIds;
              watched = named;
              pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(...named) });
              break;
            case "lose":
              watched = [];
              become("reconnecting");
              break;
            case "find":
              connect();
              break;
            case "resume":
              watches.checkWidget();
              break;
            case "end":
              watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
          }
        }
        connect();
        await tick();
        while (open().length > 0) {
          open().forEach(fulfil);
          await tick();
        }
        expect(new Set(watched)).toEqual(new Set([...named, ...listeners.map(({ userId }) => userId)]));
        for (const { userId, heard } of listeners) {
          expect(heard.at(-1)).toBe(latest.get(userId));
          expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
        }
      }),
      { numRuns: 1_000 },
    );
  },
);

describe("statuses", () => {
  /** Watches users, and records each user's statuses as words. */
  function watchStatuses({ watches }: OtherSide, ...userIds: number[]) {
    const statuses: WatchStatus[] = [];
    const off = watches.watch(userIds, () => {}, { onStatus: (status) => statuses.push(status) });
    return { statuses, off, words: () => statuses.map(({ userId, status }) => `${userId} ${status}`) };
  }

  /** Creates a watch list with user 1 live. */
  async function setUpLive() {
    const side = setUp("API.CHANGE_WATCHED_USERS");
    const watch = watchStatuses(side, 1);
    await tick();
    side.asked[0]?.fulfil({ 1: availability(1, 3) });
    return { ...side, ...watch };
  }

  test("are `live` for a user in the answer, and `unknown-user` for a user that the answer lacks", async () => {
    const side = setUp();
    const { words } = watchStatuses(side, 1, 2);
    await tick();
    expect(words()).toEqual([]);
    side.asked[0]?.fulfil({ 1: availability(1, 3) });
    expect(words()).toEqual(["1 live", "2 unknown-user"]);
    side.announce(availability(2, 4));
    expect(words().slice(2)).toEqual(["2 live"]);
  });

  test("reach a listener that comes later", async () => {
    const side = await setUpLive();
    const { words } = watchStatuses(side, 1);
    expect(words()).toEqual([]);
    await tick();
    expect(words()).toEqual(["1 live"]);
    expect(side.words()).toEqual(["1 live"]);
  });

  test.each([
    [{ status: 401 }, "session-expired"],
    [{ status: 403 }, "not-allowed"],
    [{ status: 500 }, "error"],
  ])("after a rejection by the backend with %j are `%s`, with the error", async ({ status }, expected) => {
    const side = setUp();
    const { statuses } = watchStatuses(side, 1);
    await tick();
    side.asked[0]?.reject({ title: "no" }, { source: "backend", status });
    expect(statuses).toEqual([{ userId: 1, status: expected, error: expect.objectContaining({ status }) }]);
  });

  test("are `error` after a failure of the bridge, and `live` within 8 s after the failure's end", async () => {
    const side = setUp();
    const { statuses, words } = watchStatuses(side, 1);
    await tick();
    side.asked[0]?.reject(unavailable);
    expect(statuses).toEqual([
      { userId: 1, status: "error", error: expect.objectContaining({ code: "BACKEND_UNREACHABLE" }) },
    ]);
    await vi.advanceTimersByTimeAsync(8_000);
    side.asked[1]?.fulfil({ 1: availability(1, 3) });
    expect(words()).toEqual(["1 error", "1 live"]);
  });

  test("are `stale` from the loss of the connection until the next widget has fulfilled the watch", async () => {
    const side = await setUpLive();
    expect(side.watches.liveState()).toBe("live");
    const lostAt = Date.now();
    side.become("reconnecting");
    await tick();
    expect(side.statuses.slice(1)).toEqual([{ userId: 1, status: "stale", since: lostAt }]);
    expect(side.watches.liveState()).toBe("stale");
    await vi.advanceTimersByTimeAsync(1_000);
    side.become("ready");
    await tick();
    expect(side.words()).toEqual(["1 live", "1 stale"]);
    side.asked.at(-1)?.fulfil({ 1: availability(1, 3) });
    expect(side.words()).toEqual(["1 live", "1 stale", "1 live"]);
    expect(side.watches.liveState()).toBe("live");
  });

  test("are `stale` while the widget announces so, since its last sign of life", async () => {
    const side = await setUpLive();
    const states: string[] = [];
    side.watches.onLiveChange((state) => states.push(state));
    side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
    expect(side.statuses.at(-1)).toEqual({ userId: 1, status: "stale", since: Date.now() - 45_000 });
    side.announce(availability(1, 4));
    expect(side.words()).toEqual(["1 live", "1 stale"]);
    side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);
    expect(side.words()).toEqual(["1 live", "1 stale", "1 live"]);
    expect(states).toEqual(["stale", "live"]);
  });

  test("keep the time of the last sign of life when the connection of a stale widget is lost as well", async () => {
    const side = await setUpLive();
    side.watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
    const since = Date.now() - 45_000;
    await vi.advanceTimersByTimeAsync(1_000);
    side.become("reconnecting");
    const late = watchStatuses(side, 1);
    await tick();
    expect(late.statuses).toEqual([{ userId: 1, status: "stale", since }]);
  });

  test("are `removed` after the announcement, until an availability with a higher version", async () => {
    const side = await setUpLive();
    side.watches.handleEvent({ type: "USER.AVAILABILITY_REMOVED", payload: { userId: 1, version: 5 } }, false);
    side.announce(availability(1, 4));
    side.announce(availability(1, 5));
    expect(side.words()).toEqual(["1 live", "1 removed"]);
    side.announce(availability(1, 6));
    expect(side.words()).toEqual(["1 live", "1 removed", "1 live"]);
  });

  test("are `removed` for a watched user that the next widget lacks", async () => {
    const side = await setUpLive();
    side.become("reconnecting");
    side.become("ready");
    await tick();
    side.asked.at(-1)?.fulfil({});
    expect(side.words()).toEqual(["1 live", "1 stale", "1 removed"]);
  });

  test("are `session-expired` until the next session's answer, also for a user whom the next session may not see", async () => {
    const side = await setUpLive();
    const second = watchStatuses(side, 2);
    await tick();
    side.asked.at(-1)?.fulfil({ 2: availability(2, 3) });
    side.watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
    expect([side.words(), second.words()]).toEqual([
      ["1 live", "1 session-expired"],
      ["2 live", "2 session-expired"],
    ]);
    side.announce(availability(1, 3));
    await tick();
    side.asked.at(-1)?.fulfil({ 1: availability(1, 3) });
    expect([side.words().at(-1), second.words().at(-1)]).toEqual(["1 live", "2 unknown-user"]);
  });

  test("end with the signal, and a watch with an aborted signal sends nothing", async () => {
    const side = setUp();
    const heard = vi.fn();
    const controller = new AbortController();
    side.watches.watch([1], heard, { signal: controller.signal });
    await tick();
    side.asked[0]?.fulfil({});
    controller.abort();
    side.announce(availability(1, 3));
    await tick();
    expect(side.asked.map(({ payload }) => payload)).toEqual([watching(1), watching()]);
    side.watches.watch([2], heard, { signal: controller.signal });
    await tick();
    expect([side.asked.length, heard.mock.calls]).toEqual([2, []]);
  });

  test("are `idle` for the whole before the first answer and without a watch", async () => {
    const side = setUp();
    const { off } = watchStatuses(side, 1);
    await tick();
    expect(side.watches.liveState()).toBe("idle");
    side.asked[0]?.fulfil({});
    expect(side.watches.liveState()).toBe("live");
    off();
    await tick();
    expect(side.watches.liveState()).toBe("idle");
  });
});

describe("a widget that takes changes of the list", () => {
  const change = (added: number[], removed: number[]) => ({
    type: "API.CHANGE_WATCHED_USERS",
    payload: { variables: { added, removed } },
  });

  async function setUpWatching(...userIds: number[]) {
    const side = setUp("API.CHANGE_WATCHED_USERS");
    const offs = userIds.map((userId) => side.watches.watch(userId, () => {}));
    await tick();
    side.asked[0]?.fulfil(Object.fromEntries(userIds.map((userId) => [userId, availability(userId, 1)])));
    return { ...side, offs };
  }

  test("gets only the users that join and leave", async () => {
    const { watches, asked, offs } = await setUpWatching(1, 2);
    offs[0]?.();
    watches.watch(3, () => {});
    await tick();
    expect(asked.slice(1)).toMatchObject([change([3], [1])]);
    asked[1]?.fulfil({ 3: availability(3, 1) });
    await tick();
    expect(asked).toHaveLength(2);
  });

  test("gets the whole list again after a reconnect", async () => {
    const { asked, become } = await setUpWatching(1, 2);
    become("reconnecting");
    await tick();
    become("ready");
    await tick();
    expect(asked.at(-1)).toMatchObject({ type: "API.WATCH_AVAILABILITIES", payload: watching(1, 2) });
  });

  test("gets an empty change when the page is resumed, because it may have crashed unnoticed", async () => {
    const { watches, asked } = await setUpWatching(1, 2);
    watches.checkWidget();
    expect(asked.slice(1)).toMatchObject([change([], [])]);
  });

  test("gets long user ids in several requests, none of them above 64 KiB", async () => {
    const side = setUp("API.CHANGE_WATCHED_USERS");
    const userIds = Array.from({ length: 5_000 }, (_, index) => 9_000_000_000_000_000 + index);
    const statuses = new Map<number, string>();
    side.watches.watch(userIds, () => {}, { onStatus: ({ userId, status }) => statuses.set(userId, status) });
    await tick();
    for (let at = 0; at < side.asked.length; at += 1) {
      const { variables } = Object(side.asked[at]?.payload);
      const asked: number[] = variables.userIds ?? variables.added;
      side.asked[at]?.fulfil(Object.fromEntries(asked.map((userId) => [userId, availability(userId, 1)])));
    }
    expect(side.asked.map(({ type }) => type)).toEqual(["API.WATCH_AVAILABILITIES", "API.CHANGE_WATCHED_USERS"]);
    for (const { payload } of side.asked) expect(JSON.stringify(payload).length).toBeLessThan(65_000);
    expect([...statuses.values()]).toEqual(Array(5_000).fill("live"));
  });

  test("gets the watched users again as soon as the page has sent a list of its own, whatever becomes of it", async () => {
    const { watches, asked } = await setUpWatching(1);
    watches.handlePageDispatch({ type: "API.WATCH_AVAILABILITIES", payload: watching(2) });
    await tick();
    expect(asked.slice(1)).toMatchObject([change([1], [])]);
  });
});

test("fails the user that exceeds 5,000 alone, until another user leaves", async () => {
  const side = setUp("API.CHANGE_WATCHED_USERS");
  const userIds = Array.from({ length: 5_000 }, (_, index) => index + 1);
  const off = side.watches.watch(userIds, () => {});
  const statuses: WatchStatus[] = [];
  side.watches.watch(5_001, () => {}, { onStatus: (status) => statuses.push(status) });
  await tick();
  expect(statuses).toEqual([
    { userId: 5_001, status: "error", error: expect.objectContaining({ code: "INVALID_REQUEST" }) },
  ]);
  side.asked[0]?.fulfil({ 1: availability(1, 1) });
  expect(side.asked.map(({ payload }) => payload)).toEqual([watching(...userIds)]);
  off();
  await tick();
  side.asked[1]?.fulfil({ 5_001: availability(5_001, 1) });
  expect(statuses[1]).toEqual({ userId: 5_001, status: "live" });
});

test("fails the users beyond the length of an older widget's list alone", async () => {
  const side = setUp();
  const userIds = Array.from({ length: 5_000 }, (_, index) => 9_000_000_000_000_000 + index);
  const statuses = new Map<number, string>();
  side.watches.watch(userIds, () => {}, { onStatus: ({ userId, status }) => statuses.set(userId, status) });
  await tick();
  side.asked[0]?.fulfil(Object.fromEntries(userIds.map((userId) => [userId, availability(userId, 1)])));
  await tick();
  expect(side.asked).toHaveLength(1);
  expect([statuses.get(9_000_000_000_000_000), statuses.get(9_000_000_000_004_999)]).toEqual(["live", "error"]);
});
