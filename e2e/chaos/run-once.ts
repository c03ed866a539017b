/** A run: the list of commands of a seed, in a new environment. */
import fc from "fast-check";
import type { ChaosCommand } from "./command.ts";
import { chaosCommands } from "./commands.ts";
import { createModel } from "./model.ts";
import type { RequestReport } from "./page/report.ts";
import { openRunContext, type RunContext } from "./run-context.ts";
import { runSeed } from "./run-seed.ts";
import type { ChaosSetup } from "./setup.ts";
import { verifyRun } from "./verify-run.ts";

/** Result of a run. */
export interface Run {
  /** The commands, in order. */
  readonly commands: readonly string[];
  readonly faults: number;
  readonly requests: readonly RequestReport[];
  /** Violations of the guarantee, a sentence each. */
  readonly problems: readonly string[];
  /** True if the browser itself crashed during the run. */
  readonly lostBrowser: boolean;
  /** After a failed run: the shortest list of commands found that also failed, within the time limit. */
  readonly fewest?: Run;
}

/** Time limit of a run, including the search for fewer commands after a failure, in milliseconds. */
const LIMIT_MS = 90_000;

/** The state of a run before its first command. */
const NOTHING: Run = { commands: [], faults: 0, requests: [], problems: [], lostBrowser: false };

const TOO_LONG: Run = { ...NOTHING, problems: [`The run took more than ${LIMIT_MS} ms`] };

/** Runs the commands of a seed. */
export async function runOnce(stage: ChaosSetup, seed: number): Promise<Run> {
  const { first = TOO_LONG, fewest } = await runSeed(
    chaosCommands(),
    (commands) => runCommands(stage, commands),
    seed,
    LIMIT_MS,
  );
  return fewest ? { ...first, fewest } : first;
}

async function runCommands(stage: ChaosSetup, commands: Iterable<ChaosCommand>): Promise<Run> {
  if (!stage.browser.isConnected()) return { ...NOTHING, problems: ["There is no browser"], lostBrowser: true };
  const model = createModel();
  let context: RunContext | undefined;
  try {
    context = await openRunContext(stage);
    const opened = context;
    await fc.asyncModelRun(() => ({ model, real: opened }), commands);
    const { requests, problems } = await verifyRun(opened, model);
    return { ...NOTHING, commands: model.happened, faults: model.faults, requests, problems };
  } catch (error) {
    const lostBrowser = !stage.browser.isConnected();
    return { ...NOTHING, commands: model.happened, faults: model.faults, problems: [String(error)], lostBrowser };
  } finally {
    await context?.close();
  }
}
