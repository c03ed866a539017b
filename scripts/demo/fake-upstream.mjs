// @ts-check
/**
 * `npm run fake-upstream`: runs a fake of the telephony vendor's API as a separate process. `docs/upstream.md`
 * describes its controls.
 */
import { runnerImport } from "vite";

/** @type {{ module: typeof import("../../gateway/test/fake-upstream/command.ts") }} */
const { module } = await runnerImport("./gateway/test/fake-upstream/command.ts", {
  configFile: false,
  logLevel: "warn",
});
try {
  const stop = await module.runFakeUpstream(process.env, console.log);
  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
