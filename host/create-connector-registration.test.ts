/** Answers to `BUS.REGISTER`: the types of requests to send twice, and of events with availabilities. */
import { expect, onTestFinished, test, vi } from "vitest";
import { createTestConnector, FETCH, REGISTERED, WATCH } from "./test-connector.ts";
import type { FetchToken } from "./token/token-provider.ts";

/** Starts a watch of a widget that rejects `BUS.REGISTER`, and fulfils the watch. */
async function watchUnregistered(code: string) {
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const test = createTestConnector(undefined, null);
  const { connector, user, posted, registrations } = test;
  const statuses: string[] = [];
  const heard = vi.fn();
  user.onConnected();
  connector.watch(1, heard, { onStatus: ({ status }) => statuses.push(status) });
  await vi.advanceTimersByTimeAsync(0);
  const fulfil = async (): Promise<void> => {
    const { event, answer } = posted.filter(({ event: { type } }) => type === WATCH).at(-1) ?? {};
    const payload = { 1: { userId: 1, status: "available", version: 3 } };
    answer?.({ type: `${WATCH}_FULFILLED`, payload, meta: { id: event?.meta.id } });
    await vi.advanceTimersByTimeAsync(0);
  };
  registrations[0]?.(code);
  await fulfil();
  return { ...test, statuses, heard, report, fulfil };
}

test("rejects a watch while the page is not registered, and is live when the page is: registers it again with the watch", async () => {
  const { connector, registrations, statuses, heard, report, fulfil } = await watchUnregistered("TIMEOUT");
  expect([statuses, connector.liveState]).toEqual([["error"], "idle"]);
  expect(report).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "TIMEOUT" }));
  await vi.advanceTimersByTimeAsync(8_000);
  registrations[1]?.("TIMEOUT");
  await fulfil();
  expect([statuses.at(-1), registrations.length]).toEqual(["error", 2]);
  await vi.advanceTimersByTimeAsync(8_000);
  registrations[2]?.(REGISTERED);
  await fulfil();
  expect([statuses.at(-1), connector.liveState, registrations.length]).toEqual(["live", "live", 3]);
  expect(heard).toHaveBeenCalledOnce();
  expect(report).toHaveBeenCalledOnce();
  connector.watch(2, () => {});
  await vi.advanceTimersByTimeAsync(0);
  expect(registrations).toHaveLength(3);
});

test("does not register a page again by itself that the widget rejects for good, but with the next watch", async () => {
  const { connector, user, registrations, statuses } = await watchUnregistered("INVALID_REQUEST");
  await vi.advanceTimersByTimeAsync(600_000);
  expect(statuses).toEqual(["error"]);
  expect(registrations).toHaveLength(1);
  connector.watch([2, 3], () => {});
  await vi.advanceTimersByTimeAsync(0);
  expect(registrations).toHaveLength(2);
  user.onLost();
  user.onConnected();
  expect(registrations).toHaveLength(3);
});

test("notifies `watch` listeners only of events that carry availabilities by the widget's traits", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const told = vi.fn();
  connector.watch(1, told);
  const type = "API.FETCH_AVAILABILITY_HISTORY";
  void connector.dispatch({ type });
  const payload = { userId: 1, version: 9 };
  posted.at(-1)?.answer({ type: `${type}_FULFILLED`, payload, meta: { id: posted.at(-1)?.event.meta.id } });
  await user.receive({ type: "USER.AVAILABILITY_HISTORY_CHANGED", payload });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).not.toHaveBeenCalled();
});

test("says at the registration how the page looks, and if it has no function that gives a token", () => {
  const metaOfRegistration = (fetchToken?: FetchToken): unknown => {
    const { connector, user } = createTestConnector(fetchToken);
    const sent = vi.fn();
    connector.observe((record) => record.kind === "sent" && sent(record.event.meta));
    user.onConnected();
    return sent.mock.calls[0]?.[0];
  };
  expect(metaOfRegistration()).toMatchObject({ hasToken: false, look: "dark&de" });
  expect(metaOfRegistration(() => "t1")).not.toHaveProperty("hasToken");
});

test("applies a newer widget's traits to unknown events: resends them, and notifies `watch` listeners", async () => {
  const traits = { idempotent: ["CALLS.LIST"], availabilities: ["USER.BACK"], mute: ["CALLS.LIST"] };
  const { connector, user, posted } = createTestConnector(undefined, { ...REGISTERED, traits });
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const told = vi.fn();
  connector.watch(1, told);
  const availability = { userId: 1, status: "available", version: 9 };
  await user.receive({ type: "USER.BACK", payload: availability });
  expect(told).toHaveBeenCalledExactlyOnceWith(availability);
  void connector.dispatch({ type: "CALLS.LIST" });
  user.onLost();
  user.onConnected();
  expect(posted.filter(({ event }) => event.type === "CALLS.LIST")).toHaveLength(2);
});

test("decides by the next widget about what was lost before the first had registered the page", async () => {
  const { connector, user, posted, registrations } = createTestConnector(undefined, null);
  user.onConnected();
  const outcomes: string[] = [];
  const note = ({ type }: { readonly type: string }): void => void outcomes.push(type);
  void connector.dispatch(FETCH).then(note);
  void connector.dispatch({ type: "CALLS.DIAL" }).then(note);
  user.onLost();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  expect(posted).toHaveLength(2);
  expect(outcomes).toEqual([]);
  registrations.at(-1)?.(REGISTERED);
  await vi.advanceTimersByTimeAsync(0);
  expect(posted.map(({ event }) => event.type)).toEqual([FETCH.type, "CALLS.DIAL", FETCH.type]);
  expect(outcomes).toEqual(["CALLS.DIAL_REJECTED"]);
  connector.destroy();
  await vi.advanceTimersByTimeAsync(0);
  expect(outcomes).toEqual(["CALLS.DIAL_REJECTED", `${FETCH.type}_REJECTED`]);
});

test("rejects in time what was lost before any widget has registered the page", async () => {
  const { connector, user } = createTestConnector(undefined, null);
  user.onConnected();
  const settled = connector.dispatch(FETCH);
  user.onLost();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(10_250);
  expect(await settled).toMatchObject({ type: `${FETCH.type}_REJECTED` });
});

test.each<[string, object | null]>([
  ["is of release 0.1.0 and lists no traits", { ...REGISTERED, traits: undefined }],
  [
    "lists traits in an unknown form",
    { ...REGISTERED, traits: { idempotent: { "API.FETCH_USER_AVAILABILITY": true } } },
  ],
  ["registers the page with an empty payload", []],
])("sends no request again after the loss of a widget that %s", async (_name, registered) => {
  const { connector, user } = createTestConnector(undefined, registered);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  const settled = connector.dispatch(FETCH);
  user.onLost();
  expect(await settled).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", retryable: true } } });
});

test("applies the last widget's traits until the next widget has registered the page", async () => {
  const { connector, user, posted } = createTestConnector();
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  user.onLost();
  user.onConnected();
  void connector.dispatch(FETCH);
  user.onLost();
  user.onConnected();
  expect(posted).toHaveLength(2);
});

test("registers the page by its origin, name and release after each handshake", () => {
  const { connector, user } = createTestConnector();
  const sent: unknown[] = [];
  connector.observe((record) => void (record.kind === "sent" && sent.push(record.event)));
  user.onConnected();
  user.onLost();
  user.onConnected();
  const registration = { origin: "https://crm.example.com", appName: "crm.example.com", release: "unknown" };
  expect(sent).toMatchObject([1, 2].map(() => ({ type: "BUS.REGISTER", payload: registration })));
});

test("observes announcements, and the registration of a lost widget as rejected at once", async () => {
  const { connector, user } = createTestConnector(undefined, null);
  const records: unknown[] = [];
  connector.observe((record) => void (record.kind !== "state" && records.push(record)));
  user.onConnected();
  const news = { type: "TEST.NEWS", payload: 1 };
  await user.receive(news);
  user.onLost();
  expect(records).toMatchObject([
    { kind: "sent", event: { type: "BUS.REGISTER" } },
    { kind: "announced", event: news },
    {
      kind: "settled",
      settlement: { type: "BUS.REGISTER_REJECTED", payload: { error: { code: "CONNECTION_CLOSED" } } },
    },
  ]);
});

test("sends a request at once to the widget after the one that has decided about it", async () => {
  const { connector, user, posted, registrations } = createTestConnector(undefined, null);
  user.onConnected();
  void connector.dispatch(FETCH);
  user.onLost();
  user.onConnected();
  registrations[1]?.(REGISTERED);
  await vi.advanceTimersByTimeAsync(0);
  user.onLost();
  user.onConnected();
  expect(posted).toHaveLength(3);
});
