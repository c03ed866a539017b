import fc from "fast-check";
import { expect, test } from "vitest";
import { createFixedWindowCounter } from "./fixed-window-counter.ts";

const MINUTE_MS = 60_000;

test("counts each key in windows of a minute, which start with its first request", () => {
  const requests = fc.array(fc.record({ key: fc.constantFrom("a", "b", "c"), afterMs: fc.nat(90_000) }), {
    maxLength: 40,
    size: "max",
  });
  fc.assert(
    fc.property(requests, (all) => {
      const windows = createFixedWindowCounter();
      const plain = new Map<string, { count: number; endsAtMs: number }>();
      let nowMs = 0;
      for (const { key, afterMs } of all) {
        nowMs += afterMs;
        const known = plain.get(key);
        const own = known && nowMs < known.endsAtMs ? known : { count: 0, endsAtMs: nowMs + MINUTE_MS };
        own.count += 1;
        plain.set(key, own);
        expect(windows.increment(key, nowMs)).toEqual(own);
      }
    }),
  );
});

test("removes a key within two minutes after its first request", () => {
  const windows = createFixedWindowCounter();
  for (let index = 0; index < 1000; index += 1) windows.increment(`key ${index}`, index);
  windows.increment("late", MINUTE_MS + 1000);
  windows.increment("later", 2 * MINUTE_MS + 1000);
  expect(windows.size()).toBe(2);
});

test("removes every key after two minutes without requests", () => {
  const windows = createFixedWindowCounter();
  for (let index = 0; index < 1000; index += 1) windows.increment(`key ${index}`, index);
  windows.increment("late", 10 * MINUTE_MS);
  expect(windows.size()).toBe(1);
});
