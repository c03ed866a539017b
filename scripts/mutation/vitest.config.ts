/** Configuration of Vitest under mutation: the unit tests of what is mutated, and few runs of each property. */
import { defineConfig, type Plugin } from "vitest/config";

/** Runs of each property. A thousand for each mutant would take hours. */
const PROPERTY_RUNS = 10;

/** The number of runs that a property sets itself, plain or scaled (`scripts/testing/property-runs.ts`). */
const OWN_RUNS = /\bnumRuns: (?:scaleRuns\([\d_]+\)|[\d_]+)/g;

export default defineConfig({
  plugins: [limitRuns()],
  test: {
    environment: "node",
    include: ["{shared,host,widget/live}/**/*.test.ts"],
    // `host/index.test.ts` imports the package within a test: Stryker would count a module's constants as code of the test.
    exclude: ["**/*.browser.test.ts", "host/index.test.ts"],
    // One module graph for all test files: loading it for each of them took longer than the tests.
    isolate: false,
    reporters: [],
    setupFiles: ["scripts/mutation/limits.setup.ts"],
    provide: { propertyRuns: PROPERTY_RUNS },
  },
});

/** Limits the runs of the properties that set their own number, which the global number does not change. */
function limitRuns(): Plugin {
  return {
    name: "limit-runs",
    enforce: "pre",
    transform: (code, id) =>
      id.endsWith(".test.ts") ? code.replaceAll(OWN_RUNS, `numRuns: ${PROPERTY_RUNS}`) : undefined,
  };
}

declare module "vitest" {
  interface ProvidedContext {
    propertyRuns: number;
    /** Provided by Stryker: `dry-run` without a mutant, `mutant` with one. */
    mode: string;
  }
}
