/** Repetitions after a failure that a second attempt may mend. */
import { expect, onTestFinished, test, vi } from "vitest";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import { scope, setUpGatewayClient as setUp } from "../test/scripted-gateway-client.ts";

const body = { userId: 123, status: "available", version: 7 };

test.each([408, 429, 502, 503, 504])("reads once more after a %i, and hands on the answer", async (status) => {
  const { backend, gateway } = await setUp([
    { status, body: {}, headers: { "retry-after": "0" } },
    { status: 200, body },
  ]);
  expect(await gateway.fetchAvailability(123, scope())).toEqual(body);
  expect(backend.calls).toHaveLength(2);
});

test("reads once more from a backend that was not to be reached, and after two such failures no more", async () => {
  const { backend, gateway } = await setUp([{ unreachable: true }, { status: 200, body }]);
  expect(await gateway.fetchAvailability(123, scope())).toEqual(body);
  backend.answerWith({ unreachable: true });
  await expect(gateway.fetchAvailability(123, scope())).rejects.toMatchObject({
    rejection: { code: "BACKEND_UNREACHABLE" },
  });
  expect(backend.calls).toHaveLength(3);
});

test("waits as long as Retry-After says, and leaves nothing of that to chance", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const { gateway } = await setUp([
    { status: 503, body: {}, headers: { "retry-after": "1" } },
    { status: 200, body },
  ]);
  await gateway.fetchAvailability(123, scope());
  expect(timers.mock.calls.map(([, milliseconds]) => milliseconds)).toContain(1_000);
});

test.each([
  ["Retry-After", { "retry-after": "10" }, 10_000],
  ["the longest random wait", {}, 250],
])("gives up at once if %s may last until the deadline", async (_what, headers, remainingMs) => {
  const { backend, gateway } = await setUp({ status: 503, body: { busy: true }, headers });
  const options = { ...scope(), deadline: createDeadline(remainingMs) };
  await expect(gateway.fetchAvailability(123, options)).rejects.toMatchObject({ status: 503, body: { busy: true } });
  expect(backend.calls).toHaveLength(1);
});

test("ends the wait with the caller's reason as soon as the caller leaves, and calls no more", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const { backend, gateway } = await setUp({ status: 503, body: {}, headers: { "retry-after": "7" } });
  const caller = new AbortController();
  const reading = gateway.fetchAvailability(123, scope(caller));
  const outcome = reading.catch((error: unknown) => error);
  // The client waits once it has set the timer.
  await vi.waitFor(
    () => expect(timers.mock.calls.some(([, milliseconds]) => milliseconds === 7_000)).toBe(true),
    10_000,
  );
  const reason = new Error("The caller has left");
  caller.abort(reason);
  expect(await outcome).toBe(reason);
  expect(backend.calls).toHaveLength(1);
});
