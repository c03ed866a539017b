/** One run: a list of commands that a seed stands for, in a world of its own. */
import fc from "fast-check";
import type { ChaosCommand } from "./command.ts";
import { chaosCommands } from "./commands.ts";
import { conclude } from "./conclude.ts";
import { createModel } from "./model.ts";
import type { RequestReport } from "./page/report.ts";
import type { Stage } from "./stage.ts";
import { openWorld } from "./world.ts";

/** What happened in a run. */
export interface Run {
  /** What was done, in order. */
  readonly commands: readonly string[];
  readonly faults: number;
  readonly requests: readonly RequestReport[];
  /** What broke the guarantee, a sentence each. */
  readonly problems: readonly string[];
  /** Of a run that failed: the fewest commands with which another one failed as well, as far as there was time to look. */
  readonly fewest?: Run;
}

/** How long a run may take, and the search for fewer commands where it fails, in milliseconds. */
const LIMIT_MS = 90_000;

/** Runs what a seed stands for. */
export async function runOnce(stage: Stage, seed: number): Promise<Run> {
  const runs: Run[] = [];
  const property = fc.asyncProperty(chaosCommands(), async (commands) => {
    const run = await runCommands(stage, commands);
    runs.push(run);
    return run.problems.length === 0;
  });
  await fc.check(property, { seed, numRuns: 1, unbiased: true, interruptAfterTimeLimit: LIMIT_MS });
  const stuck = { commands: [], faults: 0, requests: [], problems: [`The run took more than ${LIMIT_MS} ms`] };
  const [first = stuck] = runs;
  const fewest = runs.filter(({ problems }) => problems.length > 0).at(-1);
  return fewest ? { ...first, fewest } : first;
}

async function runCommands(stage: Stage, commands: Iterable<ChaosCommand>): Promise<Run> {
  const model = createModel();
  const world = await openWorld(stage);
  try {
    await fc.asyncModelRun(() => ({ model, real: world }), commands);
    const { requests, problems } = await conclude(world, model);
    return { commands: model.happened, faults: model.faults, requests, problems };
  } catch (error) {
    return { commands: model.happened, faults: model.faults, requests: [], problems: [String(error)] };
  } finally {
    await world.close();
  }
}
