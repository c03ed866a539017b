// @ts-check
/**
 * `npm run chaos [-- --seconds 60 --seed 1 --runs 5 --only watches --verbose]`: needs a build. `docs/test-under-faults.md` describes
 * it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    runs: { type: "string", default: "1000000" },
    only: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});
const [seconds, seed, runs] = [values.seconds, values.seed, values.runs].map(Number);
if (!isWhole(seconds) || !isWhole(seed) || !isWhole(runs)) {
  console.error("Expected whole numbers of at least 1 for --seconds, --seed and --runs");
  process.exit(2);
}

/** @type {{ module: typeof import("./chaos.ts") }} */
const { module } = await runnerImport("./e2e/chaos/chaos.ts", { configFile: false, logLevel: "warn" });
const kinds = module.RUN_KINDS.filter((kind) => values.only === undefined || values.only === kind);
if (kinds.length === 0) {
  console.error(`Expected ${module.RUN_KINDS.join(" or ")} for --only`);
  process.exit(2);
}
const result = await module.runChaos({ seconds, seed, runs, isVerbose: values.verbose, kinds });
mkdirSync("test-results", { recursive: true });
writeFileSync("test-results/chaos.json", JSON.stringify(result));
process.exitCode = result.failed > 0 ? 1 : 0;

/**
 * @param {number | undefined} value
 * @returns {value is number}
 */
function isWhole(value) {
  return value !== undefined && Number.isInteger(value) && value >= 1;
}
