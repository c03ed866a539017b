/** Number of runs and seed of property tests, from environment variables. */

/** Reads an environment variable. @throws {Error} if the text is not a number of at least `minimum`. */
function readNumber(name: string, minimum: number): number | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value >= minimum) return value;
  throw new Error(`${name}: expected a number of at least ${minimum}, not "${text}"`);
}

/** Factor for the number of runs of each property, from `PROPERTY_RUNS_FACTOR`. @default 1 */
export const RUNS_FACTOR = readNumber("PROPERTY_RUNS_FACTOR", 0) ?? 1;

/** Seed of each property, from `PROPERTY_SEED`. @default a random seed */
export const PROPERTY_SEED = readNumber("PROPERTY_SEED", -(2 ** 31));

/** Scales the usual number of runs of a property by the factor. */
export function scaleRuns(runs: number): number {
  return Math.max(1, Math.round(runs * RUNS_FACTOR));
}
