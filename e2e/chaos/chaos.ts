/** The loop of `npm run chaos`: repeats runs until the time is up or a run breaks the guarantee. */
import type { RequestReport } from "./page/report.ts";
import { type Run, runOnce } from "./run-once.ts";
import { type ChaosSetup, setUpChaos } from "./setup.ts";
import { runWatches, summarizeWatches, type WatchRun } from "./watch/run-watches.ts";

export interface ChaosOptions {
  /** Time after which no further run starts, in seconds. The first run always takes place. */
  readonly seconds: number;
  /** Seed of the first run. Later runs count up from it. */
  readonly seed: number;
  /** Maximum number of runs. */
  readonly runs: number;
  /** True to print each run's commands. */
  readonly isVerbose: boolean;
  /** Kinds of runs for each seed, in order. */
  readonly kinds: readonly RunKind[];
}

/** Kinds of runs: for the guarantee of requests, and for the guarantee of watches. */
export const RUN_KINDS = ["requests", "watches"] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** Number of runs that kept the guarantee, and number of runs that broke it. */
export interface ChaosResult {
  readonly passed: number;
  readonly failed: number;
}

/** Positions of the iframes and their container, and the targets of moves. */
const PLACES = '<div id="place"><div id="left"></div></div><div id="elsewhere"></div>';

/** Number of browsers that may crash by themselves before the chaos stops. */
const MOST_ENDED_BROWSERS = 3;

/** A run of either kind. */
type AnyRun = Run | WatchRun;

/** Setup and run of a kind. */
interface Kind {
  readonly open: () => Promise<ChaosSetup>;
  readonly run: (stage: ChaosSetup, seed: number) => Promise<AnyRun>;
}

const KINDS: Readonly<Record<RunKind, Kind>> = {
  requests: { open: () => setUpChaos({ entry: "e2e/chaos/page/harness.ts", body: PLACES }), run: runOnce },
  watches: { open: () => setUpChaos({ entry: "e2e/chaos/page/watch-harness.ts" }), run: runWatches },
};

/** Repeats runs until a run fails, and prints their results. */
export async function runChaos({ seconds, seed, runs, isVerbose, kinds }: ChaosOptions): Promise<ChaosResult> {
  const beganAt = Date.now();
  const stages = new Map<RunKind, ChaosSetup>();
  const done: AnyRun[] = [];
  let endedBrowsers = 0;
  let longestMs = 0;
  let count = 0;
  const isTimeLeft = (): boolean => Date.now() - beganAt + longestMs < seconds * 1_000;

  async function runKind(kind: RunKind, runSeed: number): Promise<AnyRun> {
    const { open, run } = KINDS[kind];
    const stage = stages.get(kind) ?? (await open());
    stages.set(kind, stage);
    const result = await run(stage, runSeed);
    // Commands that crash frames sometimes crash the whole browser, a bug of the browser. The run is no proof for or
    // against the guarantee. A repeated run judges the seed.
    if (!result.lostBrowser || endedBrowsers >= MOST_ENDED_BROWSERS) return result;
    endedBrowsers += 1;
    console.log(
      `seed ${runSeed}: the browser ended by itself; the run is repeated in a new one\n${listCommands(result)}`,
    );
    await stage.close();
    stages.delete(kind);
    return runKind(kind, runSeed);
  }

  while (count < runs && !done.some(hasFailed) && (count === 0 || isTimeLeft())) {
    const startedAt = Date.now();
    const runSeed = seed + count;
    count += 1;
    for (const kind of kinds) {
      const run = await runKind(kind, runSeed);
      done.push(run);
      console.log(`seed ${runSeed}, ${kind}: ${describeRun(run)}`);
      if (isVerbose) console.log(listCommands(run));
      if (hasFailed(run)) console.error(describeFailure(run, runSeed, kind));
    }
    longestMs = Math.max(longestMs, Date.now() - startedAt);
  }
  for (const stage of stages.values()) await stage.close();
  const failed = done.filter(hasFailed).length;
  const requestRuns = done.filter(isOfRequests);
  console.log(`\n${done.length} runs in ${Math.round((Date.now() - beganAt) / 1_000)} s, ${failed} failed`);
  if (requestRuns.length > 0) console.log(`${requestRuns.length} with requests: ${summarize(requestRuns)}`);
  const watchRuns = done.filter(isOfWatches);
  if (watchRuns.length > 0) console.log(`${watchRuns.length} with watches: ${summarizeWatches(watchRuns)}`);
  return { passed: done.length - failed, failed };
}

function isOfRequests(run: AnyRun): run is Run {
  return "requests" in run;
}

function isOfWatches(run: AnyRun): run is WatchRun {
  return !isOfRequests(run);
}

function describeRun(run: AnyRun): string {
  return isOfRequests(run) ? summarize([run]) : summarizeWatches([run]);
}

function hasFailed({ problems }: AnyRun): boolean {
  return problems.length > 0;
}

function describeFailure(run: AnyRun, seed: number, kind: RunKind): string {
  const parts = [`The guarantee is broken:\n${run.problems.join("\n")}`, `after\n${listCommands(run)}`];
  const { fewest } = run;
  if (fewest && fewest.commands.length < run.commands.length) {
    parts.push(`The fewest commands found:\n${listCommands(fewest)}\nlead to\n${fewest.problems.join("\n")}`);
  }
  return ["", ...parts, `Reproduce it: npm run chaos -- --seed ${seed} --runs 1 --only ${kind}`].join("\n\n");
}

function listCommands({ commands }: Pick<AnyRun, "commands">): string {
  return commands.map((command) => `  ${command}`).join("\n");
}

function summarize(runs: readonly Run[]): string {
  const requests = runs.flatMap((run) => run.requests);
  const sum = (count: (run: Run) => number): number => runs.reduce((total, run) => total + count(run), 0);
  const outcomes = new Map<string, number>();
  for (const { observed } of requests) {
    for (const outcome of observed) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  const settlements = [...outcomes].sort(([, a], [, b]) => b - a).map(([outcome, count]) => `${count} ${outcome}`);
  return (
    `${sum(({ commands }) => commands.length)} commands, ${sum(({ faults }) => faults)} faults, ` +
    `${requests.length} requests: ${settlements.join(", ") || "none"}; latest ${latestMs(requests).toFixed(0)} ms after its deadline`
  );
}

/** Returns by how much the latest request missed its deadline, in milliseconds; 0 if every request settled in time. */
function latestMs(requests: readonly RequestReport[]): number {
  return Math.max(0, ...requests.map(({ durationMs, ask: { lifeMs } }) => durationMs - lifeMs));
}
