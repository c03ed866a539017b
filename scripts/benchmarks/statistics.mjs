// @ts-check
/** Medians, and rows of a table. */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/**
 * Formats the median of the rounds' ratios and the range of the ratios.
 *
 * @param {readonly number[]} ratios a number per round
 */
export function describeRatios(ratios) {
  return `${median(ratios).toFixed(2)} [${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}]`;
}

/**
 * Returns the smallest value that is not exceeded by the given share of the values.
 *
 * @param {readonly number[]} values
 * @param {number} share from 0 to 1
 */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/**
 * Fits a straight line to the points by least squares.
 *
 * @param {readonly (readonly [number, number])[]} points
 * @returns {{ slope: number, intercept: number, fit: number }} `fit` is R²: 1 if every point is on the line
 */
export function fitLine(points) {
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  const slope = covariance / mean(points.map(([x]) => (x - meanX) ** 2));
  const fit = (slope * covariance) / mean(points.map(([, y]) => (y - meanY) ** 2));
  return { slope, intercept: meanY - slope * meanX, fit };
}
