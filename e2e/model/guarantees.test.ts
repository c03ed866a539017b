import fc from "fast-check";
import { test } from "vitest";
import { RUNS_FACTOR, scaleRuns } from "../../scripts/testing/property-runs.ts";
import { type ModelRun, modelRuns } from "./commands.ts";
import { runModel } from "./run-model.ts";

/** Number of runs. CI searches longer than a developer's machine. */
const RUNS = process.env["CI"] ? 10_000 : 1_000;

/** Timeout for a busy machine, in milliseconds. A run takes about 5 ms of processor time. */
const TIMEOUT_MS = 1_800_000 * Math.max(1, RUNS_FACTOR);

/** Runs that random ones have found, which come first. */
const KNOWN_RUNS: [ModelRun][] = [
  // The agent is removed while the page's token has ended and `fetchToken` fails.
  [
    {
      signsIn: true,
      hasPanel: false,
      seed: 0,
      commands: [
        { token: "refused" },
        { request: 1, timeoutMs: 3_000, abortAfterMs: null },
        { wait: 0 },
        { token: "works" },
        { watch: [1] },
        { setAgent: 1, status: "available" },
        { wait: 50_000 },
        { wait: 50_000 },
        { token: "refused" },
        { request: 1, timeoutMs: 3_000, abortAfterMs: null },
        { wait: 16_000 },
        { token: "works" },
        { watch: [1] },
        { setAgent: 1, status: "available" },
        { wait: 50_000 },
        { setAgent: 1, status: "offline" },
        { wait: 50_000 },
        { token: "fails" },
        { shiftWallClock: 90_000 },
        { service: "BUS.INIT" },
        { removeAgent: 1 },
        { wait: 50_000 },
        { request: 1, timeoutMs: 20, abortAfterMs: null },
      ],
    },
  ],
  // The panel's list is old when the live part arrives, at the second attempt.
  [
    {
      signsIn: false,
      hasPanel: true,
      seed: 0,
      commands: [
        { chunk: "missing" },
        { token: "refused" },
        { request: 1, timeoutMs: 3_000, abortAfterMs: null },
        { wait: 0 },
        { token: "works" },
        { watch: [1] },
        { setAgent: 1, status: "available" },
        { wait: 31_000 },
        { chunk: "works" },
        { setAgent: 1, status: "offline" },
        { network: 503 },
        { setAgent: 1, status: "available" },
        { wait: 50_000 },
        { request: 1, timeoutMs: 20, abortAfterMs: null },
      ],
    },
  ],
  // Only silence shows the crash of an iframe that has not loaded since it was put back.
  [
    {
      signsIn: false,
      hasPanel: false,
      seed: 0,
      commands: [{ watch: [1] }, { frame: "take out" }, { frame: "put back" }, { widget: "crash" }],
    },
  ],
];

test("requests settle once and in time, and watches are right or say that they are stale, through all faults", {
  timeout: TIMEOUT_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(modelRuns(), (run) => runModel(run)),
    { numRuns: scaleRuns(RUNS), examples: KNOWN_RUNS },
  );
});

test.runIf(process.env["MODEL_RUN"])("the run in MODEL_RUN, with each step", async () => {
  await runModel(JSON.parse(process.env["MODEL_RUN"] ?? ""), console.log);
});
