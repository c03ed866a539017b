/** The loop of `npm run chaos`: repeats runs until the time is up or a run breaks the guarantee. */
import type { RequestReport } from "./page/report.ts";
import { type Run, runOnce } from "./run-once.ts";
import { setUpChaos } from "./setup.ts";

export interface ChaosOptions {
  /** Time after which no further run starts, in seconds. The first run always takes place. */
  readonly seconds: number;
  /** Seed of the first run. Later runs count up from it. */
  readonly seed: number;
  /** Maximum number of runs. */
  readonly runs: number;
  /** True to print each run's commands. */
  readonly isVerbose: boolean;
}

/** Number of runs that kept the guarantee, and number of runs that broke it. */
export interface ChaosResult {
  readonly passed: number;
  readonly failed: number;
}

/** Positions of the iframes and their container, and the targets of moves. */
const PLACES = '<div id="place"><div id="left"></div></div><div id="elsewhere"></div>';

/** Number of browsers that may crash by themselves before the chaos stops. */
const MOST_ENDED_BROWSERS = 3;

/** Repeats runs until a run fails, and prints their results. */
export async function runChaos({ seconds, seed, runs, isVerbose }: ChaosOptions): Promise<ChaosResult> {
  const beganAt = Date.now();
  const open = () => setUpChaos({ entry: "e2e/chaos/page/harness.ts", body: PLACES });
  let stage = await open();
  const done: Run[] = [];
  let endedBrowsers = 0;
  let longestMs = 0;
  const isTimeLeft = (): boolean => Date.now() - beganAt + longestMs < seconds * 1_000;
  while (done.length < runs && !done.some(hasFailed) && (done.length === 0 || isTimeLeft())) {
    const startedAt = Date.now();
    const runSeed = seed + done.length;
    const run = await runOnce(stage, runSeed);
    // Commands that crash frames sometimes crash the whole browser, which is the browser's bug. Such a run says nothing
    // about the guarantee and is repeated, so that every counted seed is judged.
    if (run.lostBrowser && endedBrowsers < MOST_ENDED_BROWSERS) {
      endedBrowsers += 1;
      console.log(
        `seed ${runSeed}: the browser ended by itself; the run is repeated in a new one\n${listCommands(run)}`,
      );
      await stage.close();
      stage = await open();
      continue;
    }
    done.push(run);
    console.log(`seed ${runSeed}: ${summarize([run])}`);
    if (isVerbose) console.log(listCommands(run));
    if (hasFailed(run)) console.error(describeFailure(run, runSeed));
    longestMs = Math.max(longestMs, Date.now() - startedAt);
  }
  await stage.close();
  console.log(`\n${done.length} runs in ${Math.round((Date.now() - beganAt) / 1_000)} s: ${summarize(done)}`);
  const failed = done.filter(hasFailed).length;
  return { passed: done.length - failed, failed };
}

function hasFailed({ problems }: Run): boolean {
  return problems.length > 0;
}

function describeFailure(run: Run, seed: number): string {
  const parts = [`The guarantee is broken:\n${run.problems.join("\n")}`, `after\n${listCommands(run)}`];
  const { fewest } = run;
  if (fewest && fewest.commands.length < run.commands.length) {
    parts.push(`The fewest commands found:\n${listCommands(fewest)}\nlead to\n${fewest.problems.join("\n")}`);
  }
  return ["", ...parts, `Reproduce it: npm run chaos -- --seed ${seed} --runs 1`].join("\n\n");
}

function listCommands({ commands }: Run): string {
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
