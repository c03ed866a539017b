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
  /** What was asked so far, oldest first. */
  readonly asked: Asked[];
  /** Whether a widget is connected. */
  become(state: ConnectorState): void;
  announce(availability: object): void;
}

/** WatchList whose connector the test plays itself, connected and with time standing still. */
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

/** Whether the payload of a settlement holds availabilities, as the connector would say. */
const carries = (type: string): boolean => type === "API.WATCH_AVAILABILITIES_FULFILLED";

const tick = () => vi.advanceTimersByTimeAsync(0);

/** WatchList of user 1, and of a service, whose first widget has answered and is lost. */
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

test("asks once for all that is watched in one task, in order and each user once", async () => {
  const { watches, asked } = setUp();
  for (const userId of [10, 9, 10, 2]) watches.watch(userId, () => {});
  expect(asked).toEqual([]);
  await tick();
  expect(asked).toMatchObject([{ type: "API.WATCH_AVAILABILITIES", payload: watching(2, 9, 10) }]);
});

test("says nothing again where the set is what it was", async () => {
  const { watches, asked } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  watches.watch(1, () => {});
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("ends the watch of a user with its last listener, and the whole of it with the last user", async () => {
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

test("waits for the answer before it tells of a set that has changed meanwhile", async () => {
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

test("replaces what waits for a widget, so that the first to come is told the whole set", async () => {
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

test("hears each change once, from whatever tells it, and never an older one after it", async () => {
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

test("takes nothing for an availability that is none, or of something else", async () => {
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

test("tells a listener what is known as soon as it listens, but not before `watch` returns, and nobody twice", async () => {
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

test("keeps what is known of a user whose listener moves", async () => {
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

test("tells a late listener the wrap-up time that is left by then", async () => {
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

test("knows nothing after the session has ended, until it is told anew, and tells nobody twice all the same", async () => {
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

test("asks for a user whom the page has named by an event of its own: what was told of it is not kept", async () => {
  const { watches, asked } = setUp();
  watches.handleEvent({ type: "API.WATCH_AVAILABILITIES", payload: { variables: { userIds: [1] } } }, false);
  const heard = vi.fn();
  watches.watch(1, heard);
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 3) });
  expect(heard).toHaveBeenCalledExactlyOnceWith(availability(1, 3));
});

test("reports a listener that throws, and tells the others", async () => {
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

test("calls nobody who has stopped listening, not even while it is told", async () => {
  const { watches, announce } = setUp();
  const heard = vi.fn();
  watches.watch(1, () => off());
  const off = watches.watch(1, heard);
  announce(availability(1, 1));
  expect(heard).not.toHaveBeenCalled();
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53, "123", null, undefined])("refuses %j as a user's id", (userId) => {
  const { watches } = setUp();
  expect(() => watches.watch(userId as never, () => {})).toThrow(
    new TypeError("userId: expected a whole number from 1"),
  );
});

test("tells another widget all of it again, services first", async () => {
  const { asked } = await setUpLost();
  expect(asked.slice(1)).toMatchObject([
    { type: "BUS.INIT", payload: { services: ["USER"] } },
    { type: "API.WATCH_AVAILABILITIES", payload: watching(1) },
  ]);
});

test.each([
  ["alone", false],
  ["though the users that are watched change before", true],
])("tells another widget of services again, within 20 s, where it could not start them, %s", async (_name, changes) => {
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

test("tries again once within 20 s, however much has failed by then", async () => {
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

test("starts no service again that the page has ended", async () => {
  const { watches, asked, become } = setUp();
  watches.handleEvent({ type: "BUS.INIT", payload: { services: ["USER"] } }, false);
  watches.handleEvent({ type: "BUS.DESTROY", payload: { services: ["USER"] } }, false);
  become("reconnecting");
  await tick();
  expect(asked).toEqual([]);
});

test("adds to its own set the one that the page has named by an event, and tells that again as well", async () => {
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

test("tells its own set again where the page has put another in its place", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  watches.handleEvent({ type: "API.WATCH_AVAILABILITIES", payload: watching(2) }, false);
  await tick();
  expect(asked.at(-1)?.payload).toEqual(watching(1, 2));
});

test("tries again after a failure that may pass, within 20 s, as long as somebody watches", async () => {
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
  ["the backend's refusal", {}, { source: "backend", status: 401 }],
  ["a frame that was taken out of the page", { code: "CONNECTION_CLOSED", message: "", retryable: true }, {}],
])("does not try again after %s until the set changes or another widget comes", async (_name, error, meta) => {
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

test("seeks no widget for somebody who no longer watches", async () => {
  const { watches, asked, become } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("reconnecting");
  off();
  await tick();
  expect(asked).toHaveLength(1);
});

test("sets no timer for what is watched", async () => {
  const { watches, asked } = setUp();
  for (let userId = 1; userId <= 1_000; userId += 1) watches.watch(userId, () => {});
  await tick();
  asked[0]?.fulfil({});
  expect(vi.getTimerCount()).toBe(0);
});

test("asks nothing and tells nobody once the connector is closed", async () => {
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

/** What may happen to watches, in any order. */
const happening = fc.oneof(
  fc.record({ what: fc.constant("change" as const), userId: anyUser, isAnnounced: fc.boolean() }),
  fc.record({ what: fc.constant("repeat" as const), userId: anyUser, versionsBack: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ what: fc.constant("watch" as const), userId: anyUser, watchesAnother: fc.option(anyUser) }),
  fc.record({ what: fc.constant("leave" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ what: fc.constantFrom("fulfil" as const, "reject" as const, "wait" as const) }),
  fc.record({ what: fc.constant("name" as const), userIds: fc.uniqueArray(anyUser) }),
  fc.record({ what: fc.constantFrom("lose" as const, "find" as const, "end" as const) }),
);

test("tells every listener the latest in the end, nobody an older version or one twice, and the widget whom to watch, whatever happens in between", async () => {
  const orders = fc.array(happening, { maxLength: 40, size: "max" });
  await fc.assert(
    fc.asyncProperty(orders, async (order) => {
      const { watches, asked, become, announce } = setUp();
      const latest = new Map([1, 2, 3].map((userId) => [userId, 1]));
      const listeners: { readonly userId: number; readonly heard: number[]; readonly off: () => void }[] = [];
      let named: readonly number[] = [];
      /** The users that the widget watches. */
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
