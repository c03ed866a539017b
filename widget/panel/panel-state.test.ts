import { is } from "valibot";
import { expect, test, vi } from "vitest";
import { type Availabilities, Availability } from "../../shared/contracts/availability.ts";
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import { BackendResponseError, BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import type { TeamObserver } from "../live/live.ts";
import { createPanelState } from "./panel-state.ts";
import { en } from "./texts/en.ts";

interface Deferred<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: unknown) => void;
}

const CLAIMS = { sub: "1", scope: "availability:write" };

const agent = (userId: number, version = 1, status: Availability["status"] = "available"): Availability => ({
  userId,
  status,
  version,
});

/** A panel over a live part and a gateway that the test answers for. `loading` is the load of the live part. */
function setUp(loading = Promise.resolve()) {
  let observer: TeamObserver | undefined;
  const lists: Deferred<Availabilities>[] = [];
  const writes: Deferred<Availability>[] = [];
  const pend = <Value>(list: Deferred<Value>[]): Promise<Value> => {
    return new Promise((resolve, reject) => {
      list.push({ resolve, reject });
    });
  };
  const refreshToken = vi.fn(() => Promise.resolve());
  const checkConnection = vi.fn();
  const state = createPanelState(
    {
      gateway: { fetchAllAvailabilities: () => pend(lists), updateOwnAvailability: () => pend(writes) },
      live: {
        observe(next) {
          observer = next;
          return loading;
        },
        checkConnection,
      },
      createCallOptions: () => ({ signal: new AbortController().signal, deadline: { remainingMs: () => 10_000 } }),
      readClaims: () => CLAIMS,
      refreshToken,
      announceSize() {},
      isAvailability: (value): value is Availability => is(Availability, value),
      readAvailability,
      subtractElapsed,
    },
    () => {},
  );
  return {
    state,
    refreshToken,
    checkConnection,
    lists,
    writes,
    read: () => state.read(en),
    /** User ids of the shown agents. */
    shown: () => state.read(en).rows.flatMap((row) => (row.kind === "agent" ? [row.availability.userId] : [])),
    connect: () => state.update({ isConnected: true, latest: undefined }),
    observe: () => {
      if (!observer) throw new Error("The panel observes nothing");
      return observer;
    },
    settle: (): Promise<void> => new Promise((resolve) => setTimeout(resolve)),
  };
}

test("does nothing before a page is connected", () => {
  const { lists, observe, read } = setUp();
  expect(lists).toEqual([]);
  expect(observe).toThrow();
  expect(read().phase).toBe("connecting");
});

test("shows the list of the one batch, then what the feed says: without those who are gone, whatever comes first", async () => {
  const panel = setUp();
  panel.connect();
  const feed = panel.observe();
  feed.onSession("1");
  panel.lists[0]?.resolve({ 1: agent(1), 2: agent(2) });
  await panel.settle();
  expect([panel.read().phase, panel.shown()]).toEqual(["ready", [1, 2]]);
  feed.onAvailability(agent(1));
  feed.onAvailability(agent(3));
  feed.onCurrent();
  expect(panel.shown()).toEqual([1, 3]);
  feed.onRemoval(3, false);
  expect(panel.shown()).toEqual([1]);
  expect(panel.lists).toHaveLength(1);
});

test("ignores the batch that comes after the first snapshot: its agents may be gone", async () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onAvailability(agent(1));
  panel.observe().onCurrent();
  panel.lists[0]?.resolve({ 2: agent(2) });
  await panel.settle();
  expect(panel.shown()).toEqual([1]);
});

test.each([
  [new BackendResponseError(401, {}), "signed_out"],
  [new BackendResponseError(403, {}), "team_not_allowed"],
  [new BackendResponseError(503, {}), "failed"],
  [new BridgeRejectionError("BACKEND_UNREACHABLE", "…"), "failed"],
])("says why there is no list after %s: %s", async (error, phase) => {
  const panel = setUp();
  panel.connect();
  panel.lists[0]?.reject(error);
  await panel.settle();
  expect(panel.read().phase).toBe(phase);
});

test("a retry checks the feed and fetches again; after the session's end it asks the page for its token first", async () => {
  const panel = setUp();
  panel.connect();
  panel.lists[0]?.reject(new BackendResponseError(503, {}));
  await panel.settle();
  panel.state.retry();
  expect([panel.checkConnection.mock.calls.length, panel.lists.length, panel.read().phase]).toEqual([
    1,
    2,
    "connecting",
  ]);
  panel.lists[1]?.resolve({ 1: agent(1) });
  await panel.settle();
  panel.observe().onSessionEnded();
  expect([panel.read().phase, panel.shown()]).toEqual(["signed_out", []]);
  panel.state.retry();
  await panel.settle();
  expect([panel.refreshToken.mock.calls.length, panel.lists.length]).toEqual([1, 3]);
});

test("shows nobody of the last page, nor of the last agent, and asks anew for the next one", async () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.lists[0]?.resolve({ 1: agent(1) });
  await panel.settle();
  panel.state.select(1);
  panel.observe().onSession("2");
  expect([panel.shown(), panel.read().selection]).toEqual([[], undefined]);
  panel.observe().onAvailability(agent(2));
  panel.observe().onCurrent();
  panel.state.update({ isConnected: false, latest: undefined });
  expect([panel.shown(), panel.read().phase]).toEqual([[], "connecting"]);
  expect(panel.lists).toHaveLength(2);
  panel.connect();
  expect(panel.lists).toHaveLength(3);
});

test("fetches the list of another agent, and says why there is none: the feed may never bring a snapshot", async () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onCurrent();
  panel.observe().onSession("2");
  panel.lists[1]?.reject(new BackendResponseError(403, {}));
  await panel.settle();
  expect(panel.read().phase).toBe("team_not_allowed");
});

test("says that the session has ended until the next one has a team, or no right to see it", async () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onSessionEnded();
  // Another try with the same token, which the gateway rejects again.
  panel.observe().onSession("1");
  expect(panel.read().phase).toBe("signed_out");
  panel.observe().onSessionEnded();
  expect(panel.lists).toHaveLength(1);
  panel.observe().onSession("1");
  panel.observe().onState("stale", 0);
  panel.lists[1]?.reject(new BackendResponseError(403, {}));
  await panel.settle();
  expect(panel.read().phase).toBe("team_not_allowed");
  panel.observe().onCurrent();
  expect(panel.read().phase).toBe("ready");
});

test("says that statuses may be outdated while the live part cannot be loaded, until a feed opens", async () => {
  const panel = setUp(Promise.reject(new Error("offline")));
  panel.connect();
  panel.lists[0]?.resolve({ 1: agent(1) });
  await panel.settle();
  expect(panel.read()).toMatchObject({ phase: "ready", isStale: true });
  panel.observe().onSession("1");
  expect(panel.read()).toMatchObject({ phase: "ready", isStale: false });
});

test("a stale feed stays stale when another agent signs in", () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onState("stale", 45_000);
  panel.observe().onSession("2");
  expect(panel.read().isStale).toBe(true);
});

test("a retry while the feed is stale hides a team that the agent may not see any more, until the feed lives again", async () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onAvailability(agent(1));
  panel.observe().onCurrent();
  panel.state.select(1);
  panel.observe().onState("stale", 45_000);
  panel.state.retry();
  panel.lists[1]?.reject(new BackendResponseError(503, {}));
  await panel.settle();
  expect(panel.read()).toMatchObject({ phase: "ready", isStale: true });
  panel.state.retry();
  panel.lists[2]?.reject(new BackendResponseError(403, {}));
  await panel.settle();
  expect(panel.read()).toMatchObject({ phase: "team_not_allowed", selection: undefined });
  panel.state.retry();
  panel.lists[3]?.resolve({ 1: agent(1) });
  await panel.settle();
  expect(panel.read()).toMatchObject({ phase: "ready", isStale: true });
  panel.state.retry();
  panel.lists[4]?.reject(new BackendResponseError(403, {}));
  await panel.settle();
  panel.observe().onState("live", 0);
  expect(panel.read()).toMatchObject({ phase: "ready", isStale: false });
});

test("shows a choice of the own status in the list at once, and takes it back when the gateway rejects it", async () => {
  const panel = setUp();
  panel.connect();
  panel.lists[0]?.resolve({ 1: agent(1), 2: agent(2) });
  await panel.settle();
  panel.state.choose("out_for_lunch");
  expect(panel.read().ownRow).toMatchObject({ status: "do_not_disturb", reason: "out_for_lunch" });
  expect(panel.read().callable).toBe(1);
  await panel.settle();
  panel.writes[0]?.reject(new BackendResponseError(403, {}));
  await panel.settle();
  expect(panel.read()).toMatchObject({ ownRow: { status: "available" }, failure: "not_allowed", callable: 2 });
});

test("leaves an agent in a call there, whatever status is chosen for after it", async () => {
  const panel = setUp();
  panel.connect();
  panel.lists[0]?.resolve({ 1: agent(1, 1, "in_call") });
  await panel.settle();
  panel.state.choose("other");
  expect(panel.read()).toMatchObject({ ownRow: { status: "in_call" }, pending: { word: "other" } });
});

test("selects the agent whom the page asks for, and says that one could not be fetched or was removed", async () => {
  const panel = setUp();
  const update = (payload: unknown): void => panel.state.update({ isConnected: true, latest: { payload } });
  update(agent(2));
  expect(panel.read().selection).toMatchObject({ userId: 2, row: { status: "available" } });
  panel.observe().onRemoval(2, false);
  expect(panel.read().selection).toMatchObject({ userId: 2, row: undefined, wasRemoved: true });
  update({ error: {} });
  expect(panel.read()).toMatchObject({ selection: undefined, hasFailedRequest: true });
});

test("says that a selected agent was removed only if the feed or its snapshot has said so", () => {
  const panel = setUp();
  panel.state.update({ isConnected: true, latest: { payload: agent(2) } });
  panel.observe().onRemoval(2, true);
  expect(panel.read().selection).toMatchObject({ row: undefined, wasRemoved: false });
  panel.observe().onAvailability(agent(2));
  panel.observe().onSession("1");
  panel.observe().onCurrent();
  expect(panel.read().selection).toMatchObject({ row: undefined, wasRemoved: true });
});

test("an answer from before an agent's removal brings nobody back, unless the feed is stale", () => {
  const panel = setUp();
  panel.connect();
  panel.observe().onSession("1");
  panel.observe().onAvailability(agent(2));
  panel.observe().onCurrent();
  panel.observe().onRemoval(2, false);
  panel.state.update({ isConnected: true, latest: { payload: agent(2) } });
  expect(panel.shown()).toEqual([]);
  panel.observe().onState("stale", 45_000);
  panel.state.update({ isConnected: true, latest: { payload: agent(3) } });
  expect(panel.shown()).toEqual([3]);
});

test("a request that the page cancels leaves the selection as it was", () => {
  const panel = setUp();
  panel.state.update({ isConnected: true, latest: { payload: agent(2) } });
  panel.state.update({ isConnected: true, latest: { payload: { error: { code: "ABORTED" } } } });
  expect(panel.read()).toMatchObject({ selection: { userId: 2 }, hasFailedRequest: false });
});
