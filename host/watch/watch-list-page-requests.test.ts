/** Requests of the page for announcements, beside the watched users. */
import { expect, test, vi } from "vitest";
import { availability, CHANGE, change, type OtherSide, setUp, setUpLost, tick, watching } from "./test-watch-list.ts";

test("sends services and then users to the next widget", async () => {
  const { asked } = await setUpLost();
  expect(asked.slice(1)).toMatchObject([
    { type: "BUS.INIT", payload: { services: ["USER"] } },
    { type: CHANGE, payload: change([1]) },
  ]);
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
  expect(asked.map(({ payload }) => payload)).toEqual([change([1]), change([3, 2, 1])]);
});

test("sends the list again after the page's own request has replaced the list", async () => {
  const { pageRequest, watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(2) });
  await tick();
  expect(asked.at(-1)?.payload).toEqual(change([1, 2]));
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

test("sends the watched users again as soon as the page has sent a list of its own, whatever becomes of it", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 1) });
  watches.handlePageDispatch({ type: "API.WATCH_AVAILABILITIES" });
  await tick();
  expect(asked.slice(1)).toMatchObject([{ payload: change([1]) }]);
});

test("replaces a request in flight when the page sends a list of its own, which the widget handles later", async () => {
  const { watches, asked } = setUp();
  watches.watch(1, () => {});
  await tick();
  watches.handlePageDispatch({ type: "API.WATCH_AVAILABILITIES" });
  await tick();
  expect(asked.map(({ payload, signal }) => [payload, signal.aborted])).toEqual([
    [change([1]), true],
    [change([1]), false],
  ]);
});

/** Payload of the page's own change. */
const changing = (added: readonly number[], removed: readonly number[]) => ({
  type: CHANGE,
  payload: change(added, removed),
});

test("sends a watched user again at once whom the page's own change has removed from the widget's list", async () => {
  const { watches, asked } = setUp();
  watches.watch([1, 2], () => {});
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 1), 2: availability(2, 1) });
  watches.handlePageDispatch(changing([], [1]));
  await tick();
  expect(asked.slice(1)).toMatchObject([{ payload: change([1, 2]) }]);
});

/** Creates a watch list of no user. The first user was watched and left before the widget has answered. */
async function setUpUnwatched(): Promise<OtherSide> {
  const side = setUp();
  const off = side.watches.watch(1, () => {});
  await tick();
  off();
  await tick();
  return side;
}

test("adds a user again whom the page's own change has removed while nobody watched, between a watch and its answer", async () => {
  const { watches, asked } = await setUpUnwatched();
  watches.handlePageDispatch(changing([], [1]));
  watches.watch(1, () => {});
  await tick();
  watches.handlePageRequest(changing([], [1]));
  await tick();
  expect(asked.map(({ payload, signal }) => [payload, signal.aborted])).toEqual([
    [change([1]), true],
    [change([1]), false],
  ]);
});

test("removes a user whom nobody watches any more, although the page has sent a list of its own before the answer", async () => {
  const { watches, asked } = await setUpUnwatched();
  watches.handlePageDispatch(changing([2], []));
  await tick();
  expect(asked.at(-1)?.payload).toEqual(change([], [1]));
});

test("keeps a stale user stale until the answer, when the page's own change removes the user and the widget begins anew as `live`", async () => {
  const { watches, asked } = setUp();
  const statuses: string[] = [];
  watches.watch(1, () => {}, { onStatus: ({ status }) => statuses.push(status) });
  await tick();
  asked[0]?.fulfil({ 1: availability(1, 1) });
  watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "stale", ageMs: 45_000 } }, false);
  watches.handlePageDispatch(changing([], [1]));
  await tick();
  // The widget's empty list ended its feed, and a new feed counts as live before the gateway has answered.
  watches.handleEvent({ type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 0 } }, false);
  expect([statuses, watches.liveState()]).toEqual([["live", "stale"], "stale"]);
  asked[1]?.fulfil({ 1: availability(1, 2) });
  expect([statuses, watches.liveState()]).toEqual([["live", "stale", "live"], "live"]);
});

test("sends the users of the page's own changes to the next widget", async () => {
  const { pageRequest, watches, asked, become } = setUp();
  pageRequest({ type: "API.WATCH_AVAILABILITIES", payload: watching(1, 2) });
  pageRequest(changing([3, 2], [1]));
  expect(watches.liveState()).toBe("live");
  await tick();
  expect(asked).toEqual([]);
  become("ready");
  await tick();
  expect(asked.map(({ payload }) => payload)).toEqual([change([2, 3])]);
});

test("is `idle` after the page's own change has removed the page's last user", async () => {
  const { pageRequest, watches } = setUp();
  const states: string[] = [];
  watches.onLiveChange((state) => states.push(state));
  pageRequest(changing([1], []));
  await tick();
  pageRequest(changing([], [1]));
  await tick();
  expect([states, watches.isActive()]).toEqual([["live", "idle"], false]);
});

test("notifies that it is `idle` when the page has stopped its last service", async () => {
  const { pageRequest, watches } = setUp();
  const states: string[] = [];
  watches.onLiveChange((state) => states.push(state));
  pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  pageRequest({ type: "BUS.DESTROY", payload: { services: ["USER"] } });
  expect([states, watches.liveState()]).toEqual([["live", "idle"], "idle"]);
});

test("is `live` when the page starts a service after it has ended its watch without a connection", async () => {
  const { pageRequest, watches, asked, become } = setUp();
  const off = watches.watch(1, () => {});
  await tick();
  asked[0]?.fulfil({});
  become("reconnecting");
  off();
  await tick();
  become("ready");
  pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  await tick();
  expect(watches.liveState()).toBe("live");
});

test("is `live` again once nothing is left to request, although the request after the loss never had an answer", async () => {
  const { watches, asked, pageRequest, become } = setUp();
  pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  const off = watches.watch(1, () => {});
  await tick();
  asked.at(-1)?.fulfil({});
  become("reconnecting");
  become("ready");
  await tick();
  asked.find(({ type, isSettled }) => type === "BUS.INIT" && !isSettled())?.fulfil(undefined);
  off();
  await tick();
  pageRequest(changing([], []));
  await tick();
  for (const request of asked) if (!request.signal.aborted && !request.isSettled()) request.fulfil({});
  await tick();
  expect(watches.liveState()).toBe("live");
});
