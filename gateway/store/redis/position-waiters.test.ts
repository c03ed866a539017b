import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { createPositionWaiters } from "./position-waiters.ts";

test("listens to a signal once for any number of waiters, and not at all without one", async () => {
  let position = 0;
  const waiters = createPositionWaiters(() => position);
  const { signal } = new AbortController();
  const waiting = Array.from({ length: 1_000 }, (_, index) => waiters.waitFor(1 + (index % 2), signal));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  position = 1;
  waiters.notify();
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  position = 2;
  waiters.notify();
  await Promise.all(waiting);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

test("rejects the waiters of an aborted signal only", async () => {
  let position = 0;
  const waiters = createPositionWaiters(() => position);
  const leaving = new AbortController();
  const rejected = [1, 2].map((target) => waiters.waitFor(target, leaving.signal));
  const reached = waiters.waitFor(1, new AbortController().signal);
  leaving.abort("gone");
  for (const promise of rejected) await expect(promise).rejects.toBe("gone");
  position = 1;
  waiters.notify();
  await expect(reached).resolves.toBeUndefined();
});
