import fc from "fast-check";
import { expect, test } from "vitest";
import { createUnreadLimit } from "./unread-lists.ts";

/** Creates a limit with a clock that the test sets. */
function setUp() {
  const time = { nowMs: 0 };
  const countUnread = createUnreadLimit(() => time.nowMs);
  /** Counts a list. Returns the function that ends it. */
  const open = (subject: number): (() => void) => {
    const counted = countUnread(subject);
    if (typeof counted !== "function") throw new Error(`The list is over the limit ${counted.limit}`);
    return counted;
  };
  const limitOf = (subject: number) => {
    const counted = countUnread(subject);
    if (typeof counted !== "function") return counted;
    counted();
    return undefined;
  };
  return { time, open, limitOf };
}

test("takes a list for unread that is not finished after a second", () => {
  const { time, open, limitOf } = setUp();
  const ends = Array.from({ length: 60 }, () => open(7));
  time.nowMs = 999;
  expect(limitOf(7)).toBeUndefined();
  time.nowMs = 1_000;
  expect(limitOf(7)).toEqual({ limit: "unread_lists_per_subject", allowed: 8, retryAfterSeconds: 10 });
  expect(limitOf(8)).toBeUndefined();
  for (const end of ends.slice(0, 53)) end();
  expect(limitOf(7)).toBeUndefined();
});

test("has a limit for all subjects of the customer", () => {
  const { time, open, limitOf } = setUp();
  const ends = Array.from({ length: 64 }, (_, subject) => open(subject));
  time.nowMs = 1_000;
  expect(limitOf(100)).toEqual({ limit: "unread_lists", allowed: 64, retryAfterSeconds: 10 });
  // Ended twice, and counted once.
  ends[0]?.();
  ends[0]?.();
  open(100);
  time.nowMs = 2_000;
  expect(limitOf(101)?.limit).toBe("unread_lists");
});

test("gives each place back, in any course of lists", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ open: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat(30) }) },
    fc.record({ passMs: fc.constantFrom(1, 400, 1_000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
      const { time, open, limitOf } = setUp();
      let lists: { readonly subject: number; readonly startedMs: number; readonly end: () => void }[] = [];
      for (const each of steps) {
        if ("passMs" in each) time.nowMs += each.passMs;
        else if ("end" in each) {
          lists[each.end]?.end();
          lists = lists.filter((_, index) => index !== each.end);
        } else {
          const { open: subject } = each;
          const unread = lists.filter((list) => list.subject === subject && time.nowMs - list.startedMs >= 1_000);
          expect(limitOf(subject) !== undefined).toBe(unread.length >= 8);
          if (unread.length < 8) lists.push({ subject, startedMs: time.nowMs, end: open(subject) });
        }
      }
      for (const { end } of lists) end();
      for (const subject of [1, 2, 3]) expect(limitOf(subject)).toBeUndefined();
    }),
  );
});
