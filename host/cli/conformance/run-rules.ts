/** Tries the handshake first, then all other rules. */
import { checkRules, type Rule, type RuleResult, skip, toLink } from "./rule.ts";

/** The rule without which no other can be tried. */
const HANDSHAKE = "handshake";

/** Reason of the rules that are skipped without a handshake. */
export const NO_HANDSHAKE = "There was no handshake.";

/** How many pages are open at a time. */
const AT_ONCE = 4;

/** Tries the chosen rules, and the handshake in any case. Without a handshake the others are skipped. */
export async function runRules<Bench>(
  rules: readonly Rule<Bench>[],
  bench: Bench,
  isChosen: (id: string) => boolean,
): Promise<readonly RuleResult[]> {
  const first = rules.filter(({ id }) => id === HANDSHAKE);
  const others = rules.filter(({ id }) => id !== HANDSHAKE && isChosen(id));
  const handshake = await checkRules(first, bench, 1);
  if (handshake.every(({ outcome }) => outcome.result === "pass")) {
    return [...handshake, ...(await checkRules(others, bench, AT_ONCE))];
  }
  const skipped = others.map(({ id, level, sentence, section }): RuleResult => {
    return { id, level, sentence, link: toLink(section), outcome: skip(NO_HANDSHAKE) };
  });
  return [...handshake, ...skipped];
}
