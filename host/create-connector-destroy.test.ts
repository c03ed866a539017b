/** The end of a connector by `destroy`, which is final. */
import { expect, test, vi } from "vitest";
import { BridgeRejectionError } from "../shared/protocol/rejection.ts";
import {
  createTestConnector,
  inNextTask,
  QUESTION,
  rejectedWith,
  type TestConnector,
  WATCH,
} from "./test-connector.ts";

test("rejects pending and later requests after `destroy`", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  await connector.ready;
  const settled = connector.dispatch(QUESTION);
  connector.destroy();
  connector.destroy();
  expect(await settled).toEqual(rejectedWith("CONNECTION_CLOSED"));
  expect(await inNextTask(connector.dispatch(QUESTION))).toEqual(rejectedWith("CONNECTION_CLOSED"));
  expect(vi.getTimerCount()).toBe(0);
});

test("rejects a request for good, and mounts nothing, if a listener destroys the connector when the iframe is found missing", async () => {
  const { connector, user, posted, connect, checkFrame } = createTestConnector();
  user.onConnected();
  await connector.ready;
  const states: string[] = [];
  connector.onStateChange((state) => states.push(state));
  connector.onStateChange((state) => void (state === "reconnecting" && connector.destroy()));
  connect.mockClear();
  checkFrame.mockImplementation(() =>
    user.onLost(new BridgeRejectionError("CONNECTION_CLOSED", "The frame is not in the document")),
  );
  expect(await inNextTask(connector.dispatch(QUESTION))).toMatchObject({
    payload: { error: { code: "CONNECTION_CLOSED", retryable: false } },
  });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(states).toEqual(["reconnecting", "closed"]);
  expect(connect).not.toHaveBeenCalled();
  expect(posted).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("rejects every watch at `destroy` and each later one, with the state idle, whether the widget has answered or not", async () => {
  const { connector, user, posted } = createTestConnector();
  const statuses = new Map<number, unknown>();
  const states: string[] = [];
  const watch = (userId: number): void => {
    connector.watch(userId, () => {}, { onStatus: ({ status, error }) => statuses.set(userId, [status, error?.code]) });
  };
  connector.onLiveChange((state) => states.push(state));
  user.onConnected();
  watch(1);
  await vi.advanceTimersByTimeAsync(0);
  const answer = { 1: { userId: 1, status: "available", version: 1 } };
  posted[0]?.answer({ type: `${WATCH}_FULFILLED`, payload: answer, meta: { id: posted[0].event.meta.id } });
  await vi.advanceTimersByTimeAsync(0);
  expect(statuses.get(1)).toEqual(["live", undefined]);
  watch(2);
  await vi.advanceTimersByTimeAsync(0);
  connector.destroy();
  const end = ["error", "CONNECTION_CLOSED"];
  // Within the call: `destroy` calls no listener later.
  expect([...statuses, connector.liveState]).toEqual([[1, end], [2, end], "idle"]);
  watch(3);
  await vi.advanceTimersByTimeAsync(0);
  expect([...statuses]).toEqual([1, 2, 3].map((userId) => [userId, end]));
  expect([states, connector.liveState]).toEqual([["live", "idle"], "idle"]);
  expect([posted.length, vi.getTimerCount()]).toEqual([2, 0]);
});

test("stays closed after `destroy`, whatever the connection reports", async () => {
  const { connector, user, posted } = createTestConnector();
  const heard = vi.fn();
  connector.destroy();
  connector.observe(heard);
  connector.on("*", heard);
  user.onConnected();
  await user.receive({ type: "USER.CHANGED" });
  user.onLost();
  user.onResumed();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(connector.state).toBe("closed");
  expect(posted).toEqual([]);
  expect(heard).not.toHaveBeenCalled();
});

test("settles in `destroy` a request that could not be sent, too, and nothing after it", async () => {
  const { connector } = createTestConnector();
  const settled = vi.fn();
  connector.on("*", settled);
  void connector.dispatch({ type: "TEST.ASK", payload: Number.NaN });
  connector.destroy();
  expect(settled).toHaveBeenCalledOnce();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(settled).toHaveBeenCalledOnce();
});

test("rejects requests and `ready` with `retryable` false after `destroy`", async () => {
  const { connector } = createTestConnector();
  const closed = { code: "CONNECTION_CLOSED", message: "The connector was destroyed", retryable: false };
  const settled = connector.dispatch(QUESTION);
  connector.destroy();
  expect(await settled).toMatchObject({ payload: { error: closed } });
  expect(await inNextTask(connector.dispatch(QUESTION))).toMatchObject({ payload: { error: closed } });
  await expect(connector.ready).rejects.toMatchObject(closed);
});

test.each<[string, (world: TestConnector) => object]>([
  [
    "destroyed connector",
    ({ connector }) => {
      connector.destroy();
      return QUESTION;
    },
  ],
  ["payload that cannot be sent", () => ({ type: "TEST.ASK", payload: Number.NaN })],
])("lets the page's timers run while a caller repeats a request at once: %s", async (_what, prepare) => {
  const world = createTestConnector();
  vi.useRealTimers();
  const event = prepare(world) as typeof QUESTION;
  let hasFired = false;
  setTimeout(() => {
    hasFired = true;
  }, 5);
  let repetitions = 0;
  while (!hasFired && repetitions < 100_000) {
    await world.connector.dispatch(event);
    repetitions += 1;
  }
  expect(hasFired).toBe(true);
  world.connector.destroy();
});

test("lets the page's timers run while a listener answers each rejection with a request", async () => {
  const { connector } = createTestConnector();
  connector.destroy();
  vi.useRealTimers();
  let repetitions = 0;
  connector.on("*", () => {
    repetitions += 1;
    if (repetitions < 1_000) void connector.dispatch(QUESTION);
  });
  void connector.dispatch(QUESTION);
  // The page's own timer is what the rejections must not starve: it fires in the midst of the repetitions.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(repetitions).toBeLessThan(1_000);
  repetitions = 1_000;
});

test("rejects queued requests and `ready` as closed when destroyed", async () => {
  const { connector } = createTestConnector();
  const ready = expect(connector.ready).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  const settled = connector.dispatch(QUESTION);
  connector.destroy();
  expect(await settled).toEqual(rejectedWith("CONNECTION_CLOSED"));
  await ready;
  expect(vi.getTimerCount()).toBe(0);
});

test("does not register if a state listener destroys the connector on `ready`", () => {
  const { connector, user } = createTestConnector();
  const kinds: string[] = [];
  connector.observe((record) => kinds.push(record.kind === "state" ? record.state : record.kind));
  connector.onStateChange(() => connector.destroy());
  user.onConnected();
  expect(kinds).toEqual(["ready", "closed"]);
});

test("notifies no listener or observer after `destroy`, and watches no further user", async () => {
  const { connector, user } = createTestConnector();
  user.onConnected();
  const [told, observed] = [vi.fn(), vi.fn()];
  const off = connector.watch(1, told);
  await vi.advanceTimersByTimeAsync(0);
  connector.destroy();
  connector.observe(observed);
  off();
  connector.watch(2, told);
  await vi.advanceTimersByTimeAsync(600_000);
  expect([...told.mock.calls, ...observed.mock.calls]).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("closes the connection once, and says once that it is destroyed", () => {
  const { connector, user, close, onDestroy } = createTestConnector();
  user.onConnected();
  connector.destroy();
  connector.destroy();
  expect([close.mock.calls.length, onDestroy.mock.calls.length]).toEqual([1, 1]);
});
