/** Fits a straight line through measurements, with the uncertainty of its slope. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly slope: number;
  /** The slope's standard error. */
  readonly standardError: number;
  /** The slope's 95 % confidence interval. */
  readonly interval: readonly [low: number, high: number];
}

/**
 * Fits a line by least squares.
 *
 * @throws {Error} for fewer than three points, which leave no degree of freedom for the error.
 */
export function fitLine(points: readonly Point[]): Line {
  if (points.length < 3) throw new Error(`A line needs at least three points, not ${points.length}`);
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const residuals = points.map(({ x, y }) => y - meanY - slope * (x - meanX));
  const freedom = points.length - 2;
  const standardError = Math.sqrt(sum(residuals.map((residual) => residual ** 2)) / freedom / spread);
  const margin = studentQuantile(freedom) * standardError;
  return { slope, standardError, interval: [slope - margin, slope + margin] };
}

/**
 * The 97.5 % quantile of Student's distribution: from Cornish and Fisher's series, which is good to two digits from
 * five degrees of freedom on, and from tables below.
 */
export function studentQuantile(freedom: number): number {
  const z = 1.959964;
  const byTheBook = [12.706, 4.303, 3.182, 2.776][freedom - 1];
  if (byTheBook !== undefined) return byTheBook;
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3)
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
