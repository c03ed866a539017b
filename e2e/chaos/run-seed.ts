import fc from "fast-check";

/** Outcome of a run. */
export interface SeedRun {
  /** Violations of the guarantee, a sentence each. */
  readonly problems: readonly string[];
  /** True if the browser itself crashed during the run. */
  readonly lostBrowser: boolean;
}

/**
 * Runs the commands of a seed. After a failure, runs ever fewer of them within the time limit.
 *
 * @param limitMs Time limit of the run, including the search for fewer commands, in milliseconds.
 * @returns the first run, `undefined` if it took longer than the limit, and the shortest list of commands found that also failed.
 */
export async function runSeed<Command, Run extends SeedRun>(
  commandLists: fc.Arbitrary<Iterable<Command>>,
  runCommands: (commands: Iterable<Command>) => Promise<Run>,
  seed: number,
  limitMs: number,
): Promise<{ readonly first: Run | undefined; readonly fewest: Run | undefined }> {
  const runs: Run[] = [];
  const property = fc.asyncProperty(commandLists, async (commands) => {
    const run = await runCommands(commands);
    runs.push(run);
    return run.problems.length === 0 || run.lostBrowser;
  });
  await fc.check(property, { seed, numRuns: 1, unbiased: true, interruptAfterTimeLimit: limitMs });
  return {
    first: runs[0],
    fewest: runs.filter(({ problems, lostBrowser }) => problems.length > 0 && !lostBrowser).at(-1),
  };
}
