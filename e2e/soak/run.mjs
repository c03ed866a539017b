// @ts-check
/**
 * `npm run soak [-- --cycles 1000 --requests 100000 --forgotten 300]`: needs a build. `docs/test-under-faults.md`
 * describes it.
 */
import { parseArgs } from "node:util";
import { runnerImport } from "vite";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "1000" },
    requests: { type: "string", default: "100000" },
    forgotten: { type: "string", default: "300" },
  },
});
const counts = {
  cycles: Number(values.cycles),
  requests: Number(values.requests),
  forgotten: Number(values.forgotten),
};
if (!Object.values(counts).every((count) => Number.isInteger(count) && count >= 1)) {
  console.error("Expected whole numbers of at least 1 for --cycles, --requests and --forgotten");
  process.exit(2);
}

/** @type {{ module: typeof import("./soak.ts") }} */
const { module } = await runnerImport("./e2e/soak/soak.ts", { configFile: false, logLevel: "warn" });
process.exitCode = (await module.runSoak(counts)) ? 0 : 1;
