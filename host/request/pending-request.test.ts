import { expect, onTestFinished, test, vi } from "vitest";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createPendingRequest } from "./pending-request.ts";

/** A request over a clock that never rings, and the number of alarms that are set on it. */
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
  const request = createPendingRequest(
    { type: "TEST.ASK", meta: { id: "1", timeoutMs: 1_000 } },
    { clock, handshakeTimeoutMs: 500, unavailable: "nobody there", post: () => new Promise(() => {}) },
    () => {},
  );
  return { request, alarms };
}

// An alarm holds on to the request, and by it to the connector of a page that may have forgotten both.
test.each<[string, readonly ("enqueue" | "send")[]]>([
  ["is sent", ["send"]],
  ["waits", ["enqueue"]],
  ["waits again after it was sent", ["enqueue", "send", "enqueue"]],
])("keeps no alarm of a request that is settled while it %s", (_what, turns) => {
  const { request, alarms } = setUp();
  for (const turn of turns) request[turn]();
  request.reject("ABORTED", "Not wanted any more");
  expect(alarms.size).toBe(0);
});

test("does not wait for a widget any more once it is sent", () => {
  const { request, alarms } = setUp();
  request.enqueue();
  request.send();
  // That of its life is left.
  expect(alarms.size).toBe(1);
});
