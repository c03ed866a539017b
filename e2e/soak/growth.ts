/** Decides whether memory and object counts grow with the number of repetitions. */
import { METRICS, type Metric, type Reading } from "./gauge.ts";
import { fitLine, type Line } from "./line-fit.ts";

/** A reading, with the number of repetitions before it. */
export interface Sample {
  readonly done: number;
  readonly reading: Reading;
}

/** Course of a metric. */
export interface Growth extends Line {
  readonly metric: Metric;
  readonly start: number;
  readonly end: number;
  readonly isFlat: boolean;
}

/**
 * Slope below which a metric counts as flat, however significant.
 * `heapBytes` is per repetition. The other counts allow less than one object in twenty repetitions, because a leak
 * keeps one per repetition.
 */
export interface Floors {
  readonly heapBytes: number;
}

/**
 * Returns the growth of each metric per repetition. A metric is flat if its slope may be zero, falls, or lies under the
 * floor.
 */
export function growthOf(samples: readonly Sample[], { heapBytes }: Floors): readonly Growth[] {
  return METRICS.map((metric) => {
    const points = samples.map(({ done, reading }) => ({ x: done, y: reading[metric] }));
    const line = fitLine(points);
    const floor = metric === "JSHeapUsedSize" ? heapBytes : 0.05;
    return {
      ...line,
      metric,
      start: points[0]?.y ?? Number.NaN,
      end: points.at(-1)?.y ?? Number.NaN,
      isFlat: line.interval[0] <= 0 || line.slope < floor,
    };
  });
}
