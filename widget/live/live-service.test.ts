import { describe, expect, type Mock, onTestFinished, test, vi } from "vitest";
import type { Availabilities, Availability } from "../../shared/contracts/availability.ts";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import { type CountedTimers, createCountedTimers } from "../test/counted-timers.ts";
import { unusedGateway } from "../test/test-gateway-client.ts";
import type { Live, Subscription } from "./live.ts";
import { createLiveService, type LiveService } from "./live-service.ts";

const scope: CallOptions = { signal: new AbortController().signal, deadline: createDeadline(10_000) };

const availabilityOf = (userId: number): Availability => ({ userId, status: "available", version: 1 });
const among = (userIds: readonly number[]): Availabilities =>
  Object.fromEntries(userIds.map((userId) => [userId, availabilityOf(userId)]));

interface SetUp {
  readonly timers: CountedTimers;
  readonly service: LiveService;
  /** One entry per load of the live part. */
  readonly loads: { readonly succeed: () => void; readonly fail: (error: Error) => void }[];
  readonly onDefect: Mock;
  readonly reloadDocument: Mock;
  /** Subscriptions passed to the live part. */
  readonly subscriptions: Subscription[];
  /** Ages of the page's availabilities passed with each of them, in milliseconds. */
  readonly ages: (number | undefined)[];
  /** Users stored in the live part. */
  readonly storedUserIds: Set<number>;
  /** Users fetched from the gateway. */
  readonly fetched: (readonly number[] | undefined)[];
  readonly live: Live;
  readonly gateway: { -readonly [Key in keyof GatewayClient]: GatewayClient[Key] };
}

function setUp(): SetUp {
  const loads: SetUp["loads"] = [];
  const subscriptions: Subscription[] = [];
  const ages: SetUp["ages"] = [];
  const storedUserIds = new Set<number>();
  const fetched: SetUp["fetched"] = [];
  const onDefect = vi.fn();
  const reloadDocument = vi.fn();
  const live: Live = {
    setSubscription(wanted, ageMs) {
      subscriptions.push(wanted);
      ages.push(ageMs);
    },
    withoutData: (userIds) => [...userIds].filter((userId) => !storedUserIds.has(userId)),
    mergeForResponse: (userIds, read) => ({
      ...read,
      ...among([...userIds].filter((userId) => storedUserIds.has(userId))),
    }),
    announceAfterFailure: vi.fn(),
    endSession: vi.fn(),
    onTokenChanged: vi.fn(() => Promise.resolve()),
    resumeSession: vi.fn(),
    checkConnection() {},
    cache: { get: () => undefined, merge: (availability) => availability },
  };
  const gateway = {
    ...unusedGateway,
    useCache: vi.fn(),
    fetchAvailabilities(userIds?: readonly number[]): Promise<Availabilities> {
      fetched.push(userIds);
      return Promise.resolve(among(userIds ?? []));
    },
  } satisfies GatewayClient;
  const load = () =>
    new Promise<Live>((resolve, reject) => void loads.push({ succeed: () => resolve(live), fail: reject }));
  const timers = createCountedTimers();
  return {
    service: createLiveService({ gateway, load, schedule: timers.schedule, onDefect, reloadDocument }),
    timers,
    reloadDocument,
    loads,
    onDefect,
    subscriptions,
    ages,
    storedUserIds,
    fetched,
    live,
    gateway,
  };
}

/** Runs all pending promise callbacks. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("loads the live part once on the first subscription, and applies the subscription as of then", async () => {
  const { service, loads, subscriptions } = setUp();
  service.destroy(["USER"]);
  expect(loads).toHaveLength(0);
  service.init(["USER"]).catch(() => {});
  service.init(["USER"]).catch(() => {});
  service.destroy(["USER"]);
  expect(loads).toHaveLength(1);
  loads[0]?.succeed();
  await settle();
  expect(subscriptions).toEqual([{ allUsers: false, userIds: new Set() }]);
});

test("tells the live part how old the page's availabilities may be, over a failed load", async () => {
  const now = vi.spyOn(performance, "now");
  onTestFinished(() => now.mockRestore());
  const { service, loads, ages } = setUp();
  now.mockReturnValue(1_000);
  service.init(["USER"]).catch(() => {});
  now.mockReturnValue(4_000);
  loads[0]?.fail(new Error("404"));
  await settle();
  service.init(["USER"]).catch(() => {});
  now.mockReturnValue(9_000);
  loads[1]?.succeed();
  await settle();
  expect(ages).toEqual([8_000]);
  service.destroy(["USER"]);
  expect(ages).toEqual([8_000, undefined]);
});

test("counts no age from before a subscription that has ended", async () => {
  const now = vi.spyOn(performance, "now");
  onTestFinished(() => now.mockRestore());
  const { service, loads, ages } = setUp();
  now.mockReturnValue(1_000);
  service.init(["USER"]).catch(() => {});
  service.reset();
  now.mockReturnValue(5_000);
  service.init(["USER"]).catch(() => {});
  now.mockReturnValue(6_000);
  loads[0]?.succeed();
  await settle();
  expect(ages).toEqual([1_000]);
});

test("uses the live part's cache for fetches once loaded", async () => {
  const { service, loads, gateway, live } = setUp();
  service.init(["USER"]).catch(() => {});
  expect(gateway.useCache).not.toHaveBeenCalled();
  loads[0]?.succeed();
  await settle();
  expect(gateway.useCache).toHaveBeenCalledExactlyOnceWith(live.cache);
});

test("reports a failure to load the live part, and loads again on the next subscription", async () => {
  const { service, loads, onDefect, subscriptions } = setUp();
  service.init(["USER"]).catch(() => {});
  const error = new Error("no such chunk");
  loads[0]?.fail(error);
  await settle();
  expect(onDefect).toHaveBeenCalledExactlyOnceWith(error);
  expect(loads).toHaveLength(1);
  service.init(["USER"]).catch(() => {});
  expect(loads).toHaveLength(2);
  loads[1]?.succeed();
  await settle();
  expect(subscriptions).toEqual([{ allUsers: true, userIds: new Set() }]);
});

test("rejects a subscription as retryable if the live part cannot be loaded", async () => {
  const { service, loads, fetched } = setUp();
  const subscribing = [service.init(["USER"]), service.watch([1, 2], scope)];
  loads[0]?.fail(new Error("no such chunk"));
  const rejection = expect.objectContaining({ code: "BACKEND_UNREACHABLE", retryable: true });
  for (const wish of subscribing) await expect(wish).rejects.toMatchObject({ rejection });
  const again = service.watch([1], scope);
  expect(loads).toHaveLength(2);
  loads[1]?.succeed();
  expect(await again).toEqual(among([1]));
  expect(fetched).toEqual([[1, 2], [1]]);
});

test("rejects a watch as retryable if loading has failed before the fetch ended, and announces its users once loaded", async () => {
  const { service, loads, live, gateway } = setUp();
  let respond = (_read: Availabilities): void => {};
  gateway.fetchAvailabilities = () => new Promise((resolve) => (respond = resolve));
  const watching = service.watch([1, 2], scope);
  loads[0]?.fail(new Error("no such chunk"));
  await settle();
  respond(among([1, 2]));
  const rejection = expect.objectContaining({ code: "BACKEND_UNREACHABLE", retryable: true });
  await expect(watching).rejects.toMatchObject({ rejection });
  service.init(["USER"]).catch(() => {});
  loads[1]?.succeed();
  await settle();
  expect(live.announceAfterFailure).toHaveBeenCalledExactlyOnceWith([1, 2], undefined);
});

test("loads the document again after the second failure to load the live part, once for each further failure", async () => {
  const { service, loads, reloadDocument } = setUp();
  for (const reloads of [0, 1, 2]) {
    const watching = service.watch([1], scope);
    loads.at(-1)?.fail(new Error("404"));
    await expect(watching).rejects.toThrow();
    expect(reloadDocument).toHaveBeenCalledTimes(reloads);
  }
});

test("counts a live part that does not arrive within 10 s as a failure, and uses it when it arrives later", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { service, loads, subscriptions, timers } = setUp();
  const watching = service.watch([1], scope);
  watching.catch(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  await expect(watching).rejects.toMatchObject({ rejection: { code: "BACKEND_UNREACHABLE" } });
  const again = service.watch([1], scope);
  loads[0]?.succeed();
  loads[1]?.succeed();
  expect(await again).toEqual(among([1]));
  expect([subscriptions.length, timers.count()]).toEqual([1, 0]);
});

test("adds and removes watched users, and fetches the added users alone", async () => {
  const { service, loads, fetched, subscriptions } = setUp();
  const watching = service.watch([1, 2], scope);
  loads[0]?.succeed();
  await watching;
  expect(await service.changeWatched({ added: [3], removed: [1, 9] }, scope)).toEqual(among([3]));
  expect([subscriptions.at(-1)?.userIds, fetched.at(-1)]).toEqual([new Set([2, 3]), [3]]);
});

test("rejects a change that exceeds 5,000 watched users, and keeps the users", async () => {
  const { service, loads, subscriptions } = setUp();
  const watching = service.watch(
    Array.from({ length: 4_999 }, (_, index) => index + 1),
    scope,
  );
  loads[0]?.succeed();
  await watching;
  await service.changeWatched({ added: [5_000], removed: [] }, scope);
  const change = service.changeWatched({ added: [5_001], removed: [] }, scope);
  await expect(change).rejects.toMatchObject({
    rejection: { code: "INVALID_REQUEST", message: "payload.variables.added: expected up to 5000 watched user ids" },
  });
  expect(subscriptions).toHaveLength(2);
});

test("announces users after a failed fetch, also if the live part is loaded later", async () => {
  const { service, loads, live, gateway } = setUp();
  gateway.fetchAvailabilities = () => Promise.reject(new BackendResponseError(403, {}));
  await expect(service.watch([1, 2], scope)).rejects.toMatchObject({ status: 403 });
  loads[0]?.succeed();
  await settle();
  expect(live.announceAfterFailure).toHaveBeenCalledExactlyOnceWith([1, 2], expect.any(Error));
});

test("does not count an aborted request as an announcement", async () => {
  const { service, loads, live } = setUp();
  const merge = vi.spyOn(live, "mergeForResponse");
  const leaving = new AbortController();
  const watching = service.watch([1], { ...scope, signal: leaving.signal });
  leaving.abort(new Error("not waited"));
  loads[0]?.succeed();
  await expect(watching).rejects.toThrow("not waited");
  expect(merge).not.toHaveBeenCalled();
  expect(live.announceAfterFailure).toHaveBeenCalledExactlyOnceWith([1], expect.any(Error));
});

test("fetches watched users while the live part is loading, and responds once it is loaded", async () => {
  const { service, loads, fetched, subscriptions } = setUp();
  const onAnswer = vi.fn();
  const watching = service.watch([1, 2, 1], scope).then(onAnswer);
  expect(fetched).toEqual([[1, 2]]);
  await settle();
  expect(onAnswer).not.toHaveBeenCalled();
  loads[0]?.succeed();
  await watching;
  expect(onAnswer).toHaveBeenCalledExactlyOnceWith(among([1, 2]));
  expect(subscriptions).toEqual([{ allUsers: false, userIds: new Set([1, 2]) }]);
});

test("gives the live part the age of availabilities fetched during loading", async () => {
  const { service, loads, live } = setUp();
  const clock = vi.spyOn(performance, "now").mockReturnValue(1_000);
  const merge = vi.spyOn(live, "mergeForResponse");
  const watching = service.watch([1], scope);
  await settle();
  clock.mockReturnValue(4_000);
  loads[0]?.succeed();
  await watching;
  clock.mockRestore();
  expect(merge).toHaveBeenCalledExactlyOnceWith([1], among([1]), 3_000);
});

test("fetches only users without a stored availability, and sends no request without such users", async () => {
  const { service, loads, fetched, storedUserIds } = setUp();
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await settle();
  storedUserIds.add(1).add(2);
  expect(await service.watch([1, 2, 3], scope)).toEqual(among([1, 2, 3]));
  expect(await service.watch([1, 2], scope)).toEqual(among([1, 2]));
  expect(fetched).toEqual([[3]]);
});

test("clears the subscription of a page that has gone", async () => {
  const { service, loads, subscriptions } = setUp();
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await service.watch([1], scope);
  service.reset();
  expect(subscriptions.at(-1)).toEqual({ allUsers: false, userIds: new Set() });
});

test("passes on the end of the session and a new token, and needs no live part for a page without a subscription", async () => {
  const { service, loads, live } = setUp();
  service.endSession();
  service.onTokenChanged();
  service.reset();
  expect(loads).toEqual([]);
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await settle();
  service.endSession();
  expect([live.endSession, live.onTokenChanged].map((call) => vi.mocked(call).mock.calls.length)).toEqual([1, 0]);
  service.onTokenChanged();
  expect(live.onTokenChanged).toHaveBeenCalledOnce();
});

describe("a live part that fails to load", () => {
  /** A service whose page watches user 1. The gateway has rejected the watch finally, and the live part did not load. */
  async function failToLoad() {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const world = setUp();
    world.gateway.fetchAvailabilities = () => Promise.reject(new BackendResponseError(401, {}));
    await expect(world.service.watch([1], scope)).rejects.toMatchObject({ status: 401 });
    world.loads[0]?.fail(new Error("no such chunk"));
    await settle();
    return world;
  }

  test.each([
    [0, 8_000],
    [0.5, 6_000],
    [1, 4_000],
  ])(
    "is loaded again, with random %d after %d ms, although the page, whose request was rejected finally, sends no other",
    async (random, delayMs) => {
      const spy = vi.spyOn(Math, "random").mockReturnValue(random);
      onTestFinished(() => spy.mockRestore());
      const { loads, live, timers, subscriptions } = await failToLoad();
      await vi.advanceTimersByTimeAsync(delayMs - 1);
      expect(loads).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(loads).toHaveLength(2);
      loads[1]?.succeed();
      await settle();
      expect(subscriptions).toEqual([{ allUsers: false, userIds: new Set([1]) }]);
      expect(live.announceAfterFailure).toHaveBeenCalledExactlyOnceWith([1], undefined);
      expect(timers.count()).toBe(0);
    },
  );

  test("is not loaded again while a watch is pending, which a reload of the document would start anew", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { service, loads, gateway } = setUp();
    let reject = (_error: Error): void => {};
    gateway.fetchAvailabilities = () => new Promise((_resolve, rejectFetch) => (reject = rejectFetch));
    const watching = service.watch([1], scope);
    loads[0]?.fail(new Error("no such chunk"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(loads).toHaveLength(1);
    reject(new BackendResponseError(504, {}));
    await expect(watching).rejects.toMatchObject({ status: 504 });
    await vi.advanceTimersByTimeAsync(8_000);
    expect(loads).toHaveLength(2);
  });

  test("is not loaded again for a page that has gone", async () => {
    const { service, loads, timers } = await failToLoad();
    service.reset();
    expect(timers.count()).toBe(0);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(loads).toHaveLength(1);
  });

  test("has one repetition, the page's or its own", async () => {
    const { service, loads, timers } = await failToLoad();
    service.watch([1], scope).catch(() => {});
    await vi.advanceTimersByTimeAsync(8_000);
    loads[1]?.succeed();
    await settle();
    expect([loads.length, timers.count()]).toEqual([2, 0]);
  });
});

describe("a session that ends before the live part is loaded", () => {
  const callsOf = ({ endSession, onTokenChanged }: Live): readonly number[] =>
    [endSession, onTokenChanged].map((call) => vi.mocked(call).mock.calls.length);

  test("is known to the live part, which asks for a token", async () => {
    const { service, loads, live, subscriptions } = setUp();
    service.init(["USER"]).catch(() => {});
    service.endSession();
    vi.mocked(live.endSession).mockImplementation(() => expect(subscriptions).toHaveLength(1));
    loads[0]?.succeed();
    await settle();
    expect(callsOf(live)).toEqual([1, 0]);
  });

  test.each([
    ["the page has given a token", (service: LiveService) => service.onTokenChanged()],
    ["the gateway has accepted the same token", (service: LiveService) => service.resumeSession()],
    [
      "the page has subscribed anew",
      (service: LiveService) => {
        service.destroy(["USER"]);
        service.init(["USER"]).catch(() => {});
      },
    ],
  ])("is known before the subscription after %s, because the next session has to be announced", async (_what, act) => {
    const { service, loads, live, subscriptions } = setUp();
    service.init(["USER"]).catch(() => {});
    service.endSession();
    act(service);
    vi.mocked(live.endSession).mockImplementation(() => expect(subscriptions).toEqual([]));
    loads[0]?.succeed();
    await settle();
    expect([callsOf(live), subscriptions.length]).toEqual([[1, 0], 1]);
  });

  test("is not the session of the next page", async () => {
    const { service, loads, live } = setUp();
    service.init(["USER"]).catch(() => {});
    service.endSession();
    service.reset();
    loads[0]?.succeed();
    await settle();
    expect(callsOf(live)).toEqual([0, 0]);
  });

  test("has not ended because the page gives a token before the live part is loaded", async () => {
    const { service, loads, live } = setUp();
    service.init(["USER"]).catch(() => {});
    service.onTokenChanged();
    loads[0]?.succeed();
    await settle();
    expect(callsOf(live)).toEqual([0, 0]);
  });

  test("is known before the subscription of a page that had none: the feed finds out whether the token counts", async () => {
    const { service, loads, live, subscriptions } = setUp();
    service.endSession();
    service.init(["USER"]).catch(() => {});
    vi.mocked(live.endSession).mockImplementation(() => expect(subscriptions).toEqual([]));
    loads[0]?.succeed();
    await settle();
    expect([callsOf(live), subscriptions.length]).toEqual([[1, 0], 1]);
  });
});

test("keeps a subscription to all users when another service starts or stops", async () => {
  const { service, loads, subscriptions } = setUp();
  await service.init([]);
  service.destroy([]);
  expect(loads).toEqual([]);
  service.init(["USER"]).catch(() => {});
  loads[0]?.succeed();
  await service.init([]);
  service.destroy([]);
  expect(subscriptions.length).toBeGreaterThan(1);
  expect(subscriptions.every(({ allUsers }) => allUsers)).toBe(true);
});

test.each([
  ["stays", [[1]], () => {}],
  ["has gone", [], (service: LiveService) => service.reset()],
])(
  "announces users of a rejected request once the live part is loaded, if the page %s: %j",
  async (_page, announced, act) => {
    const { service, loads, live, gateway } = setUp();
    gateway.fetchAvailabilities = () => settle().then(() => Promise.reject(new BackendResponseError(503, {})));
    const watching = service.watch([1], scope);
    loads[0]?.fail(new Error("no such chunk"));
    await expect(watching).rejects.toMatchObject({ status: 503 });
    act(service);
    service.init(["USER"]).catch(() => {});
    loads[1]?.succeed();
    await settle();
    expect(vi.mocked(live.announceAfterFailure).mock.calls.map(([userIds]) => userIds)).toEqual(announced);
  },
);

test("needs no live part for a page that watches nobody", async () => {
  const { service, loads, fetched } = setUp();
  expect(await service.watch([], scope)).toEqual({});
  expect([loads, fetched]).toEqual([[], []]);
});

test("says to the page's developer and to the vendor that the live part did not arrive within 10 s", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { service, onDefect } = setUp();
  const watching = service.watch([1], scope);
  watching.catch(() => {});
  await vi.advanceTimersByTimeAsync(9_999);
  expect(onDefect).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  await expect(watching).rejects.toMatchObject({ message: "The widget's live part could not be loaded" });
  expect(onDefect).toHaveBeenCalledExactlyOnceWith(
    new Error("The live part of the widget did not arrive within 10000 ms"),
  );
});
