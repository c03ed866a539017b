/** One run: a list of commands that a seed stands for, in a world of its own. */
import fc from "fast-check";
import type { ChaosCommand } from "./command.ts";
import { chaosCommands } from "./commands.ts";
import { createModel } from "./model.ts";
import type { RequestReport } from "./page/report.ts";
import { openRunContext } from "./run-context.ts";
import type { ChaosSetup } from "./setup.ts";
import { verifyRun } from "./verify-run.ts";

/** What happened in a run. */
export interface Run {
  /** What was done, in order. */
  readonly commands: readonly string[];
  readonly faults: number;
  readonly requests: readonly RequestReport[];
  /** What broke the guarantee, a sentence each. */
  readonly problems: readonly string[];
  /** Whether the browser itself ended before the run did. */
  readonly lostBrowser: boolean;
  /** Of a run that failed: the fewest commands with which another one failed as well, as far as there was time to look. */
  readonly fewest?: Run;
}

/** How long a run may take, and the search for fewer commands where it fails, in milliseconds. */
const LIMIT_MS = 90_000;

/** A run before its first command. */
const NOTHING: Run = { commands: [], faults: 0, requests: [], problems: [], lostBrowser: false };

/** Runs what a seed stands for. */
export async function runOnce(stage: ChaosSetup, seed: number): Promise<Run> {
  const runs: Run[] = [];
  const property = fc.asyncProperty(chaosCommands(), async (commands) => {
    const run = await runCommands(stage, commands);
    runs.push(run);
    return run.problems.length === 0 || run.lostBrowser;
  });
  await fc.check(property, { seed, numRuns: 1, unbiased: true, interruptAfterTimeLimit: LIMIT_MS });
  const [first = { ...NOTHING, problems: [`The run took more than ${LIMIT_MS} ms`] }] = runs;
  const fewest = runs.filter(({ problems, lostBrowser }) => problems.length > 0 && !lostBrowser).at(-1);
  return fewest ? { ...first, fewest } : first;
}

async function runCommands(stage: ChaosSetup, commands: Iterable<ChaosCommand>): Promise<Run> {
  if (!stage.browser.isConnected()) return { ...NOTHING, problems: ["There is no browser"], lostBrowser: true };
  const model = createModel();
  const world = await openRunContext(stage);
  try {
    await fc.asyncModelRun(() => ({ model, real: world }), commands);
    const { requests, problems } = await verifyRun(world, model);
    return { ...NOTHING, commands: model.happened, faults: model.faults, requests, problems };
  } catch (error) {
    const lostBrowser = !stage.browser.isConnected();
    return { ...NOTHING, commands: model.happened, faults: model.faults, problems: [String(error)], lostBrowser };
  } finally {
    await world.close();
  }
}
