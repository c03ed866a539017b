import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { runWithJoinedSignal } from "./joined-signal.ts";

test.each([0, 1])("aborts with the reason of signal %s of two", async (index) => {
  const controllers = [new AbortController(), new AbortController()];
  const signals = controllers.map(({ signal }) => signal);
  await runWithJoinedSignal(signals, async (joined) => {
    expect(joined.aborted).toBe(false);
    controllers[index]?.abort("gone");
    expect(joined.reason).toBe("gone");
  });
  await runWithJoinedSignal(signals, async (joined) => expect(joined.reason).toBe("gone"));
});

test("leaves nothing at a signal after an action, whether it succeeds or fails", async () => {
  const { signal } = new AbortController();
  await expect(runWithJoinedSignal([signal], async () => "done")).resolves.toBe("done");
  await expect(runWithJoinedSignal([signal], () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
