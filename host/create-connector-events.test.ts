/** Listeners and observers of a connector, and the page's answers to the widget. */
import { expect, onTestFinished, test, vi } from "vitest";
import { createTestConnector, QUESTION } from "./test-connector.ts";

test("receives announcements, reports a listener that throws, and rejects unknown requests to the page", async () => {
  const {
    connector,
    user: { receive },
  } = createTestConnector();
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  onTestFinished(() => void vi.unstubAllGlobals());
  const mistake = new Error("a listener's mistake");
  const heard = vi.fn();
  connector.on("*", () => {
    throw mistake;
  });
  const off = connector.on("AUTH.SESSION_EXPIRED", heard);
  const answer = receive({ type: "AUTH.SESSION_EXPIRED" });
  off();
  await receive({ type: "AUTH.SESSION_EXPIRED" });
  expect(await answer).toBeUndefined();
  expect(heard).toHaveBeenCalledExactlyOnceWith({ type: "AUTH.SESSION_EXPIRED" }, undefined);
  expect(report).toHaveBeenCalledWith(mistake);
  for (const [type, meta] of [
    ["HOST.NONE", { id: "h1" }],
    ["USER.NONE", { timeoutMs: 5_000 }],
    ["HOST.FETCH_TOKEN", {}],
  ] as const) {
    expect(await receive({ type, meta })).toEqual({
      type: `${type}_REJECTED`,
      payload: { error: { code: "UNKNOWN_EVENT", message: expect.any(String), retryable: false } },
      meta: { ...("id" in meta && meta), source: "bridge" },
    });
  }
});

test("settles a request, and notifies the next listeners, on a page whose own `reportError` throws", async () => {
  const { connector, user, posted } = createTestConnector(() => {
    throw new Error("the page's own secret");
  });
  vi.stubGlobal("reportError", (message: string) => message.toUpperCase());
  const rethrows = vi.spyOn(globalThis, "setTimeout").mockReturnValue(0 as never);
  onTestFinished(() => void vi.unstubAllGlobals());
  const heard = vi.fn();
  connector.on("*", () => {
    throw new Error("a listener's mistake");
  });
  connector.on("*", heard);
  user.onConnected();
  const settled = connector.dispatch(QUESTION);
  const answer = { type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0]?.event.meta.id } };
  posted[0]?.answer(answer);
  expect(await settled).toEqual({ ...answer, meta: undefined });
  await user.receive({ type: "USER.CHANGED" });
  expect(heard.mock.calls.map(([{ type }]) => type)).toEqual(["TEST.ASK_FULFILLED", "USER.CHANGED"]);
  expect(await user.receive({ type: "HOST.FETCH_TOKEN" })).toMatchObject({ payload: { error: { code: "INTERNAL" } } });
  const thrown = rethrows.mock.calls.flatMap(([rethrow]) => {
    try {
      rethrow();
      return [];
    } catch (error) {
      return [Object(error).message];
    }
  });
  expect(thrown).toEqual(["a listener's mistake", "a listener's mistake", "the page's own secret"]);
});

test("records each request as sent before its settlement, in order", async () => {
  const { connector, user, posted } = createTestConnector();
  const kinds: string[] = [];
  connector.observe((record) => kinds.push("event" in record ? `${record.kind} ${record.event.type}` : record.kind));
  const settled = connector.dispatch(QUESTION);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(0);
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  await settled;
  expect(kinds).toEqual(["state", "sent BUS.REGISTER", "sent TEST.ASK", "settled BUS.REGISTER", "settled TEST.ASK"]);
});

test("records a heartbeat as sent, and posts it", () => {
  const { connector, user, posted } = createTestConnector();
  const records: unknown[] = [];
  user.onConnected();
  connector.observe((record) => void (record.kind === "sent" && records.push(record.event)));
  void user.postPing({ type: "BUS.PING" });
  expect(records).toEqual([{ type: "BUS.PING" }]);
  expect(posted.map(({ event }) => event.type)).toEqual(["BUS.PING"]);
});

test("notifies every listener of state changes in order", () => {
  const { connector, user } = createTestConnector();
  const states: string[] = [];
  connector.onStateChange(() => connector.destroy());
  connector.onStateChange((state) => states.push(state));
  user.onConnected();
  expect(states).toEqual(["ready", "closed"]);
});

test("records when a request settled, and how long it took from the call", async () => {
  const { connector, user, posted } = createTestConnector();
  await vi.advanceTimersByTimeAsync(100);
  vi.setSystemTime(1_700_000_000_000);
  const settledRecords: unknown[] = [];
  connector.observe((record) => void (record.kind === "settled" && settledRecords.push(record)));
  const settled = connector.dispatch(QUESTION);
  await vi.advanceTimersByTimeAsync(1_000);
  user.onConnected();
  await vi.advanceTimersByTimeAsync(500);
  posted[0]?.answer({ type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0].event.meta.id } });
  await settled;
  expect(settledRecords.at(-1)).toMatchObject({
    at: 1_700_000_001_500,
    durationMs: 1_500,
    event: { ...QUESTION, meta: { id: posted[0]?.event.meta.id } },
    settlement: { type: "TEST.ASK_FULFILLED", payload: 2, meta: { id: posted[0]?.event.meta.id } },
  });
});

test("calls a listener of one type for that type alone, and for no event once it is unsubscribed", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  const [one, all] = [vi.fn(), vi.fn()];
  // The type of a newer widget.
  const type: string = "TEST.NEWS";
  const off = connector.on(type, one);
  connector.on("*", all);
  await user.receive({ type: "TEST.NEWS", payload: 1 });
  await user.receive({ type: "TEST.OTHER", payload: 2 });
  off();
  await user.receive({ type: "TEST.NEWS", payload: 3 });
  expect(one.mock.calls).toEqual([[{ type: "TEST.NEWS", payload: 1 }, undefined]]);
  expect(all).toHaveBeenCalledTimes(3);
});

test("treats an announcement with a timeout as a request to the page, and one with neither id nor timeout as none", async () => {
  const { user } = createTestConnector();
  user.onConnected();
  expect(await user.receive({ type: "TEST.NEWS" })).toBeUndefined();
  expect(await user.receive({ type: "TEST.NEWS", meta: { timeoutMs: 5 } })).toMatchObject({
    type: "TEST.NEWS_REJECTED",
    payload: { error: { code: "UNKNOWN_EVENT" } },
  });
});
