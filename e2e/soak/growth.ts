/** Whether what is held grows with what is done. */
import { METRICS, type Metric, type Reading } from "./gauge.ts";
import { fitLine, type Line } from "./line-fit.ts";

/** A reading, and how often the thing had been done by then. */
export interface Sample {
  readonly done: number;
  readonly reading: Reading;
}

/** How one metric went. */
export interface Growth extends Line {
  readonly metric: Metric;
  readonly start: number;
  readonly end: number;
  readonly isFlat: boolean;
}

/**
 * The slope below which nothing is kept, however sure it is.
 *
 * `heapBytes` is for one of what is done. Of the others less than one is kept in twenty, where a leak keeps one each time.
 */
export interface Floors {
  readonly heapBytes: number;
}

/** How each metric grew with what was done. It is flat where its slope may be zero, falls, or lies under the floor. */
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
