/** Output of a run: a table for people, JSON for machines. */
import type { Level, RuleResult } from "./rule.ts";
import { NO_HANDSHAKE } from "./run-rules.ts";

/** A run over one widget or one page. */
export interface Report {
  /** The side under test. */
  readonly side: "widget" | "host";
  readonly url: string;
  readonly results: readonly RuleResult[];
}

/** True without a broken `must`. Skipped rules do not count. */
export function isConforming({ results }: Report): boolean {
  return results.every(({ level, outcome }) => level !== "must" || outcome.result !== "fail");
}

/** Writes the report as JSON. Later releases only add keys. */
export function toJson(report: Report): string {
  const { side, url, results } = report;
  const rules = results.map(({ outcome, ...rule }) => ({ ...rule, ...outcome }));
  return JSON.stringify({ side, url, conforming: isConforming(report), counts: countAll(report), rules }, null, 2);
}

/** Writes the report as a table, with the faults below each broken rule. Rules without a handshake are one line. */
export function toTable(report: Report): string {
  const { side, url, results } = report;
  const shown = results.filter((each) => !lacksHandshake(each));
  const untried = results.length - shown.length;
  const width = Math.max(...shown.map(({ id }) => id.length));
  const lines = shown.flatMap(({ id, level, sentence, link, outcome }) => {
    const indent = " ".repeat(width + 15);
    const head = `${outcome.result.toUpperCase().padEnd(4)}  ${level.padEnd(6)}  ${id.padEnd(width)}  ${sentence}`;
    switch (outcome.result) {
      case "pass":
        return outcome.note === undefined ? [head] : [head, `${indent} ${outcome.note}`];
      case "skip":
        return [head, `${indent} ${outcome.reason}`];
      case "fail":
        return [head, ...outcome.faults.map((fault) => `${indent} ${fault}`), `${indent} ${link}`];
    }
  });
  if (untried > 0) lines.push(`SKIP  ${untried} more: ${NO_HANDSHAKE}`);
  const counts = countAll(report);
  const levels: readonly Level[] = ["must", "should"];
  const totals = levels.map((level) => `${counts[level].pass} of ${counts[level].pass + counts[level].fail} ${level}`);
  const skipped = counts.must.skip + counts.should.skip;
  const verdict = isConforming(report) ? "conforms" : "does not conform";
  return [...lines, "", `The ${side} ${url} ${verdict}: ${totals.join(", ")}, ${skipped} skipped`].join("\n");
}

function lacksHandshake({ outcome }: RuleResult): boolean {
  return outcome.result === "skip" && outcome.reason === NO_HANDSHAKE;
}

type Counts = Readonly<Record<"pass" | "fail" | "skip", number>>;

function countAll({ results }: Report): Readonly<Record<Level, Counts>> {
  return { must: count(results, "must"), should: count(results, "should") };
}

function count(results: readonly RuleResult[], level: Level): Counts {
  const own = results.filter((each) => each.level === level);
  const of = (result: keyof Counts): number => own.filter(({ outcome }) => outcome.result === result).length;
  return { pass: of("pass"), fail: of("fail"), skip: of("skip") };
}
