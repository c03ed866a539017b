/** Planted defects of the product, as evidence for the model: a passing model has to be able to fail. */
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { modelRuns } from "./commands.ts";
import { runModel } from "./run-model.ts";

type Defect =
  | "none"
  | "a store that keeps the first version"
  | "a watch list that ignores that the widget is stale"
  | "a stream feed that waits a minute before it retries"
  | "a request that settles twice"
  | "a connection without a heartbeat"
  | "a connector that keeps its iframe after its end"
  | "a panel that keeps the first version"
  | "a panel that ignores that it is stale";

const planted = vi.hoisted(() => ({ defect: "none" }));

vi.mock("../../widget/live/live-store.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../widget/live/live-store.ts")>();
  const createLiveStore: typeof original.createLiveStore = (options) => {
    const store = original.createLiveStore(options);
    if (planted.defect !== "a store that keeps the first version") return store;
    return {
      ...store,
      merge(availability, ageMs, updatedAt) {
        if (!store.get(availability.userId)) store.merge(availability, ageMs, updatedAt);
      },
    };
  };
  return { ...original, createLiveStore };
});

vi.mock("../../host/watch/watch-list.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../host/watch/watch-list.ts")>();
  const createWatchList: typeof original.createWatchList = (options) => {
    const list = original.createWatchList(options);
    if (planted.defect !== "a watch list that ignores that the widget is stale") return list;
    return {
      ...list,
      handleEvent(event, ...traits) {
        const isStale = event.type === "LIVE.STATE_CHANGED" && Object(event.payload).state === "stale";
        if (!isStale) list.handleEvent(event, ...traits);
      },
    };
  };
  return { ...original, createWatchList };
});

vi.mock("../../widget/live/stream/backoff.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../widget/live/stream/backoff.ts")>();
  const createBackoff: typeof original.createBackoff = (random) => {
    const backoff = original.createBackoff(random);
    const isSlow = planted.defect === "a stream feed that waits a minute before it retries";
    return isSlow ? { ...backoff, nextDelayMs: () => 60_000 } : backoff;
  };
  return { ...original, createBackoff };
});

vi.mock("../../host/request/pending-request.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../host/request/pending-request.ts")>();
  const createPendingRequest: typeof original.createPendingRequest = (
    request,
    clock,
    handshakeTimeoutMs,
    describeUnavailable,
    post,
    onSettled,
  ) =>
    original.createPendingRequest(request, clock, handshakeTimeoutMs, describeUnavailable, post, (settlement) => {
      onSettled(settlement);
      if (planted.defect === "a request that settles twice") onSettled(settlement);
    });
  return { ...original, createPendingRequest };
});

vi.mock("../../host/connection/heartbeat.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../host/connection/heartbeat.ts")>();
  const ping: typeof original.ping = (...values) => {
    if (planted.defect !== "a connection without a heartbeat") original.ping(...values);
  };
  return { ...original, ping };
});

vi.mock("../../host/connection/frame-connection.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../host/connection/frame-connection.ts")>();
  const prepareFrameConnection: typeof original.prepareFrameConnection = (...parameters) => {
    const open = original.prepareFrameConnection(...parameters);
    return (...callbacks) => {
      const connection = open(...callbacks);
      return planted.defect === "a connector that keeps its iframe after its end"
        ? { ...connection, close() {} }
        : connection;
    };
  };
  return { ...original, prepareFrameConnection };
});

vi.mock("../../widget/panel/team.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../widget/panel/team.ts")>();
  const createTeam: typeof original.createTeam = (...parameters) => {
    const team = original.createTeam(...parameters);
    if (planted.defect !== "a panel that keeps the first version") return team;
    return {
      ...team,
      merge(availability) {
        if (!team.get(availability.userId)) team.merge(availability);
      },
    };
  };
  return { ...original, createTeam };
});

vi.mock("../../widget/panel/panel-state.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../../widget/panel/panel-state.ts")>();
  const createPanelState: typeof original.createPanelState = (...parameters) => {
    const state = original.createPanelState(...parameters);
    if (planted.defect !== "a panel that ignores that it is stale") return state;
    return { ...state, read: (texts) => ({ ...state.read(texts), isStale: false }) };
  };
  return { ...original, createPanelState };
});

afterEach(() => {
  planted.defect = "none";
});

test.each<[Defect, RegExp]>([
  ["a store that keeps the first version", /after the last fault|and the gateway has/],
  [
    "a watch list that ignores that the widget is stale",
    /(live|unknown-user|removed) at -?\d+, and the gateway has it/,
  ],
  ["a stream feed that waits a minute before it retries", /after the last fault|and the gateway has it/],
  ["a request that settles twice", /a request has 2 settlements/],
  [
    "a connection without a heartbeat",
    /A lost widget was not noticed|and the gateway has it|a request after the last fault/,
  ],
  ["a panel that keeps the first version", /the panel is ready/],
  ["a panel that ignores that it is stale", /the panel is ready/],
  // The last one: its connection stays open, and a later run would have its timers.
  ["a connector that keeps its iframe after its end", /an iframe is left after destroy/],
])("finds %s", { timeout: 600_000 }, async (defect, violation) => {
  planted.defect = defect;
  const property = fc.asyncProperty(modelRuns(), (run) => runModel(run));
  const { failed, errorInstance } = await fc.check(property, { seed: 1, numRuns: 10_000, endOnFailure: true });
  expect(failed).toBe(true);
  expect(String(errorInstance)).toMatch(violation);
});
