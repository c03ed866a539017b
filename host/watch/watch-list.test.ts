import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Settlement } from "../../shared/protocol/envelope.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { ConnectorState } from "../connector.ts";
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
}

/** Creates a watch list with a scripted, connected connector and a fake clock. */
function setUp(): OtherSide {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: Asked[] = [];
  let state: ConnectorState = "ready";
  const watches = createWatchList(
    createTimerQueue(),
    () => state,
    ({ type, payload }, { signal }, onSettled = () => {}) => {
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
  );
  return {
    watches,
    asked,
    become(next) {
      state = next;
      watches.resubscribe();
    },
    announce: (payload) => watches.handleEvent({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload }, true),
  };
}

/** Returns true if the payload of a settlement contains availabilities. */
const carries = (type: string): boolean => type === "API.WATCH_AVAILABILITIES_FULFILLED";

const tick = () => vi.advanceTimersByTimeAsync(0);

/** Creates a watch list of user 1 and a service. The first widget has fulfilled the request and is lost. */
async function setUpLost(): Promise<OtherSide> {
  const side = setUp();
  side.watches.watch(1, () => {});
  side.watches.handleEvent({ type: "BUS.INIT", payload: { services: ["USER"] } }, false);
  await tick();
  side.asked.at(-1)?.fulfil({});
  side.become("reconnecting");
  await tick();
  return side;
}

const availability = (userId: number, version: number) => ({ userId, status: "available", version });
const watching = (...userIds: number[]) => ({ variables: { userIds } });
const unavailable = { code: "BACKEND_UNREACHABLE", message: "", retryable: true };

test("sends a single request for all users watched in a task, sorted and without duplicates", async () => {
  const { watches, asked } = setUp();
  for (const userId of [10, 9, 10, 2]) watches.watch(userId, () => {});
  expect(asked).toEqual([]);
  await tick();
  expect(asked).toMatchObject([{ type: "API.WATCH_AVAILABILITIES", payload: watching(2, 9, 10) }]);
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
  const { watches, asked } = setUp();
  watches.handleEvent({ type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [1] } } }, false);
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
  const { watches, asked, become } = setUp();
  watches.handleEvent({ type: "BUS.INIT", payload: { services: ["USER"] } }, false);
  watches.handleEvent({ type: "BUS.DESTROY", payload: { services: ["USER"] } }, false);
  become("reconnecting");
  await tick();
  expect(asked).toEqual([]);
});

test("adds the users of the page's own request to the list, and sends them again as well", async () => {
  const { watches, asked, become } = setUp();
  watches.handleEvent({ type: "API.WATCH_AVAILABILITIES", payload: watching(3, 2) }, false);
  await tick();
  expect(asked).toEqual([]);
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("ready");
  await tick();
  expect(asked.map(({ payload }) => payload)).toEqual([watching(1, 2, 3), watching(1, 2, 3)]);
});

test("sends the list again after the page's own request has replaced the list", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  watches.handleEvent({ type: "API.WATCH_AVAILABILITIES", payload: watching(2) }, false);
  await tick();
  expect(asked.at(-1)?.payload).toEqual(watching(1, 2));
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

test.each([
  ["a rejection by the backend", {}, { source: "backend", status: 401 }],
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
  fc.record({ what: fc.constantFrom("lose" as const, "find" as const, "end" as const) }),
);

test("notifies each listener of the latest version, never of an older version or twice, and sends the widget all users, after any order of steps", async () => {
  const orders = fc.array(happening, { maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const { watches, asked, become, announce } = setUp();
      const latest = new Map([1, 2, 3].map((userId) => [userId, 1]));
      const listeners: { readonly userId: number; readonly heard: number[]; readonly off: () => void }[] = [];
      let named: readonly number[] = [];
      /** Users watched by the widget. */
      let watched: readonly number[] = [];
      const open = () => asked.filter(({ signal, isSettled }) => !signal.aborted && !isSettled());

      function watch(userId: number, another: number | null): void {
        const heard: number[] = [];
        const off = watches.watch(userId, ({ version }) => {
          if (heard.push(version) === 1 && another !== null) watch(another, null);
        });
        listeners.push({ userId, heard, off });
      }
      function fulfil({ payload, fulfil }: Asked): void {
        const { variables } = payload as { variables: { userIds: readonly number[] } };
        watched = variables.userIds;
        const read = variables.userIds.map((userId) => [userId, availability(userId, latest.get(userId) ?? 0)]);
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
            watches.handleEvent(
              { type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: named } } },
              false,
            );
            break;
          case "lose":
            watched = [];
            become("reconnecting");
            break;
          case "find":
            become("ready");
            break;
          case "end":
            watches.handleEvent({ type: "AUTH.SESSION_EXPIRED" }, false);
        }
      }
      become("ready");
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
});
