/** One run: a list of commands that a seed stands for, in a world of its own. */
import fc from "fast-check";
import { type ChaosCommand, chaosCommands } from "./commands.ts";
import { type Conclusion, conclude } from "./conclude.ts";
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
  /** What broke the guarantee, with the commands that it takes, as far as there was time to find the fewest. */
  readonly failure: string | undefined;
}

/** How long a run may take, and the search for fewer commands where it fails, in milliseconds. */
const LIMIT_MS = 90_000;

/** Runs what a seed stands for. */
export async function runOnce(stage: Stage, seed: number): Promise<Run> {
  let first: Omit<Run, "failure"> | undefined;
  const property = fc.asyncProperty(chaosCommands(), async (commands) => {
    const model = createModel();
    const world = await openWorld(stage);
    let conclusion: Conclusion = { requests: [], problems: [] };
    try {
      await fc.asyncModelRun(() => ({ model, real: world }), commands);
      conclusion = await conclude(world, model);
    } finally {
      first ??= { commands: model.happened, faults: model.faults, requests: conclusion.requests };
      await world.close();
    }
    if (conclusion.problems.length > 0) throw new Error(conclusion.problems.join("\n"));
  });
  const details = await fc.check(property, {
    seed,
    numRuns: 1,
    unbiased: true,
    interruptAfterTimeLimit: LIMIT_MS,
    markInterruptAsFailure: true,
  });
  const ran = first ?? { commands: [], faults: 0, requests: [] };
  return { ...ran, failure: details.failed ? describe(details) : undefined };
}

function describe({
  errorInstance,
  counterexample,
  counterexamplePath,
}: fc.RunDetails<[Iterable<ChaosCommand>]>): string {
  const reason = errorInstance instanceof Error ? errorInstance.message : `It took more than ${LIMIT_MS} ms`;
  const fewest = counterexample
    ? `\n\nThe fewest commands found (path ${counterexamplePath}):\n${counterexample[0]}`
    : "";
  return reason + fewest;
}
