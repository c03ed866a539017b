import { expect, onTestFinished, test, vi } from "vitest";
import { type Settlement, toFulfilled } from "../../shared/protocol/envelope.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { createTimerQueue, type TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createPendingRequest, type PostedRequest } from "./pending-request.ts";

/** Creates a request with a clock that never fires. Returns the clock's pending timers, the posted requests and the settlements. */
function setUp() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const alarms = new Set<object>();
  const clock: TimerQueue = {
    schedule() {
      const alarm = {};
      alarms.add(alarm);
      return () => void alarms.delete(alarm);
    },
    clear() {},
  };
  let reply = (_value: unknown): void => {};
  const post = vi.fn<(request: PostedRequest) => Promise<unknown>>(() => new Promise((resolve) => (reply = resolve)));
  const onSettled = vi.fn<(settlement: Settlement) => void>();
  const request = createPendingRequest(
    { type: "TEST.ASK", meta: { id: "1", timeoutMs: 1_000 } },
    clock,
    500,
    () => "nobody there",
    post,
    onSettled,
  );
  return { request, alarms, post, onSettled, reply: (value: unknown) => reply(value) };
}

// A pending timer would keep the request and an unused connector from being garbage-collected.
test.each<[string, readonly ("enqueue" | "send")[]]>([
  ["is sent", ["send"]],
  ["waits", ["enqueue"]],
  ["waits again after it was sent", ["enqueue", "send", "enqueue"]],
])("cancels every timer of a request that is settled while it %s", (_what, turns) => {
  const { request, alarms } = setUp();
  for (const turn of turns) request[turn]();
  request.reject(new BridgeRejectionError("ABORTED", "Not wanted any more"));
  expect(alarms.size).toBe(0);
});

test("cancels the handshake timer when the request is sent", () => {
  const { request, alarms } = setUp();
  request.enqueue();
  request.send();
  // The timer of the request's timeout remains.
  expect(alarms.size).toBe(1);
});

test("settles once if the widget replies after the request was aborted", async () => {
  const { request, onSettled, reply } = setUp();
  request.send();
  request.reject(new BridgeRejectionError("ABORTED", "Not wanted any more"));
  reply(toFulfilled({ type: "TEST.ASK", id: "1" }, "late"));
  await vi.advanceTimersByTimeAsync(0);
  expect(onSettled).toHaveBeenCalledOnce();
});

test.each(["send", "enqueue"] as const)("does nothing on `%s` of a request that a listener has settled", (turn) => {
  const { request, alarms, post } = setUp();
  request.reject(new BridgeRejectionError("ABORTED", "Not wanted any more"));
  request[turn]();
  expect(post).not.toHaveBeenCalled();
  expect(alarms.size).toBe(0);
});

test("names the request in the rejection of a reply that is no settlement", async () => {
  const { request, onSettled, reply } = setUp();
  request.send();
  reply("no settlement");
  await vi.advanceTimersByTimeAsync(0);
  expect(onSettled.mock.lastCall?.[0].payload).toMatchObject({
    error: { code: "INVALID_RESPONSE", message: "TEST.ASK was answered with no settlement of it" },
  });
});

test("names the request and its timeout in the rejection of a request without a reply", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const onSettled = vi.fn<(settlement: Settlement) => void>();
  createPendingRequest(
    { type: "TEST.ASK", meta: { id: "1", timeoutMs: 1_000 } },
    createTimerQueue(),
    500,
    () => "nobody there",
    () => new Promise(() => {}),
    onSettled,
  ).send();
  await vi.advanceTimersByTimeAsync(1_250);
  expect(onSettled.mock.lastCall?.[0].payload).toMatchObject({
    error: { code: "TIMEOUT", message: "TEST.ASK was not settled within 1000 ms" },
  });
});
