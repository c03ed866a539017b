/** A run with watches: the list of commands of a seed, in a new environment. */
import fc from "fast-check";
import { runSeed } from "../run-seed.ts";
import type { ChaosSetup } from "../setup.ts";
import { SCALE } from "./scaled-time.ts";
import { verifyWatches } from "./verify-watches.ts";
import { type WatchCommand, watchCommands } from "./watch-commands.ts";
import { openWatchContext, type WatchContext } from "./watch-context.ts";
import { createWatchModel } from "./watch-model.ts";

/** Result of a run with watches. */
export interface WatchRun {
  /** The commands, in order. */
  readonly commands: readonly string[];
  /** Number of faults, of observers, of changes at the gateway, and of displays of all observers. */
  readonly counts: Readonly<Record<"faults" | "observers" | "changes" | "sights", number>>;
  /** As in the verdict; 0 without a verdict. */
  readonly healedAfterMs: number;
  /** Violations of the guarantee, a sentence each, and the displays of all observers. */
  readonly problems: readonly string[];
  /** True if the browser itself crashed during the run. */
  readonly lostBrowser: boolean;
  /** After a failed run: the shortest list of commands found that also failed, within the time limit. */
  readonly fewest?: WatchRun;
}

/** Time limit of a run, including the search for fewer commands after a failure, in milliseconds. */
const LIMIT_MS = 120_000;

const NOTHING: WatchRun = {
  commands: [],
  counts: { faults: 0, observers: 0, changes: 0, sights: 0 },
  healedAfterMs: 0,
  problems: [],
  lostBrowser: false,
};

const TOO_LONG: WatchRun = { ...NOTHING, problems: [`The run took more than ${LIMIT_MS} ms`] };

/** Runs the commands of a seed. */
export async function runWatches(stage: ChaosSetup, seed: number): Promise<WatchRun> {
  const { first = TOO_LONG, fewest } = await runSeed(
    watchCommands(),
    (commands) => runCommands(stage, commands),
    seed,
    LIMIT_MS,
  );
  return fewest ? { ...first, fewest } : first;
}

async function runCommands(stage: ChaosSetup, commands: Iterable<WatchCommand>): Promise<WatchRun> {
  if (!stage.browser.isConnected()) return { ...NOTHING, problems: ["There is no browser"], lostBrowser: true };
  const model = createWatchModel();
  let context: WatchContext | undefined;
  try {
    context = await openWatchContext(stage);
    const opened = context;
    for (const [userId, status] of model.statuses) await opened.site.setStatus(userId, status);
    await fc.asyncModelRun(() => ({ model, real: opened }), commands);
    const { observations, healedAfterMs, problems } = await verifyWatches(opened, model);
    const { observers, faults, changes } = observations;
    const counts = {
      faults: faults.length,
      observers: observers.length,
      changes: changes.length,
      sights: observers.reduce((sum, { sights }) => sum + sights.length, 0),
    };
    return { ...NOTHING, commands: model.happened, counts, healedAfterMs, problems };
  } catch (error) {
    const lostBrowser = !stage.browser.isConnected();
    return { ...NOTHING, commands: model.happened, problems: [String(error)], lostBrowser };
  } finally {
    await context?.close();
  }
}

/** Describes runs with watches in a line. */
export function summarizeWatches(runs: readonly WatchRun[]): string {
  const sum = (count: (run: WatchRun) => number): number => runs.reduce((total, run) => total + count(run), 0);
  const slowestSeconds = (Math.max(0, ...runs.map(({ healedAfterMs }) => healedAfterMs)) * SCALE) / 1_000;
  return (
    `${sum(({ commands }) => commands.length)} commands, ${sum(({ counts }) => counts.faults)} faults, ` +
    `${sum(({ counts }) => counts.changes)} changes, ${sum(({ counts }) => counts.observers)} observers that showed ` +
    `${sum(({ counts }) => counts.sights)} states; at the slowest right ${slowestSeconds.toFixed(1)} s after the faults, ` +
    `by clocks of ${SCALE} times the speed`
  );
}
