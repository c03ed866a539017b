// @ts-check
/**
 * `npm run bench [-- --rounds 9 --only warm,cold --record --before ../another-checkout]`: needs a build, prints tables.
 * `docs/benchmarks.md` explains them.
 */

import { readCommand, runMeasurements } from "../../scripts/benchmarks/command.mjs";
import { describeEnvironment } from "./browser.mjs";
import { measureBytes } from "./bytes.mjs";
import { measureCold } from "./cold.mjs";
import { describeRequests } from "./cold-requests.mjs";
import { measureInlineScript } from "./inline-script.mjs";
import { measurePanel } from "./panel.mjs";
import { measureWarm } from "./warm.mjs";
import { measureWarmProfile } from "./warm-profile.mjs";

const MEASUREMENTS = {
  warm: { title: "Warm round trip", measure: measureWarm },
  profile: { title: "Where the warm round trip goes", measure: measureWarmProfile },
  cold: { title: "Cold start", measure: measureCold },
  bytes: { title: "Bytes until the first FULFILLED", measure: measureBytes },
  panel: { title: "The panel of a visible widget", measure: measurePanel },
  inline: { title: "The widget's script in its document, or in a file", measure: measureInlineScript },
};

const command = readCommand(Object.keys(MEASUREMENTS), { rounds: 9, flag: "record", path: "before" });

console.log(await describeEnvironment());
await runMeasurements(MEASUREMENTS, command, ({ measure }) => measure(command.rounds, command.path), {
  isRecorded: command.hasFlag,
});
if (command.wanted.includes("cold"))
  console.log(`\nRequests of one navigation, in the order in which they ended\n${await describeRequests()}`);
