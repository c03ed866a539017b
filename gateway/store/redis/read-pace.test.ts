import { expect, test } from "vitest";
import { createTestTime } from "../../test/test-time.ts";
import { createReadPace } from "./read-pace.ts";

/** A gateway that reads changes, which come at the given times. Returns when the gateway has read which number. */
async function readAll(changesAtMs: readonly number[]) {
  const time = createTestTime();
  const { signal } = new AbortController();
  const pace = createReadPace({ monotonicMs: time.nowMs, wait: time.wait });
  const reads: { readonly atMs: number; readonly entries: number }[] = [];
  let read = 0;
  async function run(): Promise<void> {
    while (read < changesAtMs.length) {
      // A read waits for the next change.
      await time.wait(Math.max(0, (changesAtMs[read] ?? 0) - time.nowMs()), signal);
      const entries = changesAtMs.filter((atMs) => atMs <= time.nowMs()).length - read;
      read += entries;
      reads.push({ atMs: time.nowMs(), entries });
      await pace(entries, signal);
    }
  }
  let isOver = false;
  void run().then(() => {
    isOver = true;
  });
  await time.until(() => isOver);
  return reads;
}

test("reads a lone change at once", async () => {
  expect(await readAll([1_000, 1_500, 3_000])).toEqual([
    { atMs: 1_000, entries: 1 },
    { atMs: 1_500, entries: 1 },
    { atMs: 3_000, entries: 1 },
  ]);
});

test("reads dense changes together, at most 50 times a second, and none more than 20 ms late", async () => {
  const changesAtMs = Array.from({ length: 1_000 }, (_, index) => index);
  const reads = await readAll(changesAtMs);
  expect(reads.length).toBeLessThanOrEqual(52);
  expect(reads.reduce((sum, { entries }) => sum + entries, 0)).toBe(1_000);
  let first = 0;
  for (const { atMs, entries } of reads) {
    expect(atMs - (changesAtMs[first] ?? expect.fail())).toBeLessThanOrEqual(20);
    first += entries;
  }
});

test("does not wait after a full read, because more changes follow", async () => {
  const waits: number[] = [];
  const pace = createReadPace({ monotonicMs: () => 0, wait: async (milliseconds) => void waits.push(milliseconds) });
  const { signal } = new AbortController();
  for (const entries of [1_000, 1_000, 0, 999]) await pace(entries, signal);
  expect(waits).toEqual([20]);
});
