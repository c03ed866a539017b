/** A rule of the protocol, and its outcome for the side under test. */
import { CommandError } from "../command.ts";

/** Weight of a rule: a broken `must` fails the run, a broken `should` is a warning. */
export type Level = "must" | "should";

/** Outcome of a rule. A skipped rule has a reason, as a sentence. */
export type Outcome =
  | { readonly result: "pass"; readonly note?: string }
  | { readonly result: "fail"; readonly faults: readonly string[] }
  | { readonly result: "skip"; readonly reason: string };

/** A rule for a side under test. `Bench` reaches that side. */
export interface Rule<Bench> {
  /** Stable name, for CI and for `--only`. */
  readonly id: string;
  readonly level: Level;
  /** The rule as a sentence. */
  readonly sentence: string;
  /** Anchor of the rule's heading in docs/protocol.md. */
  readonly section: string;
  /** Tries the rule. An error counts as a broken rule, but for a `CommandError`, which ends the run. */
  readonly check: (bench: Bench) => Promise<Outcome>;
}

/** A rule with its outcome. */
export interface RuleResult extends Pick<Rule<never>, "id" | "level" | "sentence"> {
  /** Path and anchor of the paragraph in the package. */
  readonly link: string;
  readonly outcome: Outcome;
}

export const PASS: Outcome = { result: "pass" };

/** Returns a failure if there are faults. */
export function toOutcome(faults: readonly string[], note?: string): Outcome {
  if (faults.length > 0) return { result: "fail", faults };
  return note === undefined ? PASS : { result: "pass", note };
}

/** Creates the outcome of an untried rule. */
export function skip(reason: string): Outcome {
  return { result: "skip", reason };
}

/** Path of a heading of the protocol, in the package and in the repository. */
export function toLink(section: string): string {
  return `docs/protocol.md#${section}`;
}

/**
 * Tries rules, `atOnce` at the same time, and returns the results in the order of the rules.
 *
 * @throws {CommandError} if a check finds that the arguments are wrong.
 */
export async function checkRules<Bench>(
  rules: readonly Rule<Bench>[],
  bench: Bench,
  atOnce: number,
): Promise<readonly RuleResult[]> {
  const results: RuleResult[] = [];
  const left = [...rules.entries()];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [index, rule] = next;
      const { id, level, sentence, section } = rule;
      results[index] = { id, level, sentence, link: toLink(section), outcome: await checkRule(rule, bench) };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

async function checkRule<Bench>({ check }: Rule<Bench>, bench: Bench): Promise<Outcome> {
  try {
    return await check(bench);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    return toOutcome([error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)]);
  }
}
