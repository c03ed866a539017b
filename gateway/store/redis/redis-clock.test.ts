import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedisClock } from "./redis-clock.ts";

test("converts a time of Redis to the earliest possible moment", () => {
  const clock = createRedisClock();
  clock.observe(1_000_000, 50, 70);
  // Redis had the time 1,000,000 at some moment from 50 to 70 on this clock.
  expect(clock.toMonotonicMs(1_000_000)).toBe(50);
  expect(clock.toRedisMs(50)).toBe(1_000_000);
});

test("narrows the bounds by a faster reply and keeps them after a slower reply", () => {
  const clock = createRedisClock();
  clock.observe(1_000_000, 0, 400);
  clock.observe(1_001_000, 1_200, 1_201);
  expect(clock.toMonotonicMs(1_001_000)).toBe(1_200);
  clock.observe(1_002_000, 2_000, 2_900);
  expect(clock.toMonotonicMs(1_002_000)).toBe(2_200);
});

test.each([-3_600_000, 3_600_000])("follows Redis's clock when it is set by %d ms", (byMs) => {
  const clock = createRedisClock();
  clock.observe(1_000_000, 0, 1);
  clock.observe(1_001_000 + byMs, 1_000, 1_010);
  expect(clock.toMonotonicMs(1_001_000 + byMs)).toBe(1_000);
});

test("is never late, at any duration of the replies", () => {
  const replies = fc.array(fc.record({ there: fc.nat(1_000), back: fc.nat(1_000), pause: fc.nat(10_000) }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(replies, fc.integer({ min: -1e6, max: 1e12 }), (delays, ahead) => {
      const clock = createRedisClock();
      let nowMs = 0;
      for (const { there, back, pause } of delays) {
        clock.observe(nowMs + there + ahead, nowMs, nowMs + there + back);
        nowMs += there + back + pause;
        expect(clock.toMonotonicMs(nowMs + ahead)).toBeLessThanOrEqual(nowMs);
      }
    }),
  );
});
