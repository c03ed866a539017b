import { expect, test } from "vitest";
import { growthOf } from "./growth.ts";

/** Readings after every 10 repetitions, with `heap` and `listeners` as functions of the number of repetitions. */
function samplesOf(heap: (done: number) => number, listeners = (_done: number): number => 3) {
  return Array.from({ length: 12 }, (_, index) => {
    const done = index * 10;
    return {
      done,
      reading: { JSHeapUsedSize: heap(done), JSEventListeners: listeners(done), Nodes: 9, Frames: 2, Documents: 4 },
    };
  });
}

const verdicts = (samples: ReturnType<typeof samplesOf>) =>
  Object.fromEntries(growthOf(samples, { heapBytes: 50 }).map(({ metric, isFlat }) => [metric, isFlat]));

/** Alternating noise of 20 kB, as in a heap. */
const noise = (done: number): number => 20_000 * Math.sin(done * 7);

test("finds a heap flat that only goes up and down", () => {
  expect(verdicts(samplesOf(noise))).toMatchObject({ JSHeapUsedSize: true, JSEventListeners: true, Nodes: true });
});

test("finds a heap flat that grows by less than the floor, even if the growth is significant", () => {
  expect(verdicts(samplesOf((done) => 40 * done))).toMatchObject({ JSHeapUsedSize: true });
});

test("finds 2.3 kB per repetition, which is bare penpal's leak, under the noise", () => {
  expect(verdicts(samplesOf((done) => 2_300 * done + noise(done)))).toMatchObject({ JSHeapUsedSize: false });
});

test("finds one listener per repetition", () => {
  expect(verdicts(samplesOf(noise, (done) => 3 + done))).toMatchObject({
    JSHeapUsedSize: true,
    JSEventListeners: false,
  });
});

test("finds a heap flat that falls", () => {
  expect(verdicts(samplesOf((done) => -500 * done))).toMatchObject({ JSHeapUsedSize: true });
});

test("names the first and the last reading", () => {
  expect(
    growthOf(
      samplesOf((done) => done),
      { heapBytes: 50 },
    )[0],
  ).toMatchObject({ start: 0, end: 110 });
});
