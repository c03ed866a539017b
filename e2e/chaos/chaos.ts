/** The loop of `npm run chaos`: run after run until the time is up, or until one breaks the guarantee. */
import type { RequestReport } from "./page/report.ts";
import { type Run, runOnce } from "./run-once.ts";
import { setUpChaos } from "./setup.ts";

export interface ChaosOptions {
  /** When to begin no further run, in seconds. The first is always run. */
  readonly seconds: number;
  /** The first run's seed; those that follow have the numbers that follow. */
  readonly seed: number;
  /** How many runs at the most. */
  readonly runs: number;
  /** Whether to print each run's commands. */
  readonly isVerbose: boolean;
}

/** How many runs kept the guarantee, and how many did not. */
export interface ChaosResult {
  readonly passed: number;
  readonly failed: number;
}

/** Where frames and their container stand, and where they are moved to. */
const PLACES = '<div id="place"><div id="left"></div></div><div id="elsewhere"></div>';

/** How many browsers may end by themselves before the chaos gives up. */
const MOST_ENDED_BROWSERS = 3;

/** Runs the chaos until a run fails, and prints what it does. */
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
    // Commands that crash frames end the whole browser now and then, its own bug. A run that lost its browser says
    // nothing about the guarantee, and is run anew: in the end every seed that counts has been judged.
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

/** How long after its deadline the latest request settled, in milliseconds; 0 where all settled before. */
function latestMs(requests: readonly RequestReport[]): number {
  return Math.max(0, ...requests.map(({ durationMs, ask: { lifeMs } }) => durationMs - lifeMs));
}
