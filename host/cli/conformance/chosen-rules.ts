/** The rules that `--only` names. */
import { UsageError } from "../command.ts";

/** Where a reader finds all names. */
const LIST = "docs/conformance.md lists the rules";

/** Side under test, in words. */
const SIDES = { widget: "a widget", host: "a page" } as const;

type Side = keyof typeof SIDES;

/**
 * Creates the filter of `--only`: names with commas between them, and prefixes with a slash at the end.
 *
 * @param only Value of the option; absent for all rules.
 * @param side The side under test.
 * @param ids Names of all rules by side.
 * @throws {UsageError} for a name that no rule of the side has; the message has the nearest name.
 */
export function createFilter(
  only: string | undefined,
  side: Side,
  ids: Readonly<Record<Side, readonly string[]>>,
): (id: string) => boolean {
  if (only === undefined) return () => true;
  const names = only.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!ids[side].some((id) => isNamed(id, name))) throw new UsageError(explainUnknown(name, side, ids));
  }
  return (id) => names.some((name) => isNamed(id, name));
}

function isNamed(id: string, name: string): boolean {
  return id === name || (name.endsWith("/") && id.startsWith(name));
}

function explainUnknown(name: string, side: Side, ids: Readonly<Record<Side, readonly string[]>>): string {
  const other: Side = side === "widget" ? "host" : "widget";
  const expected = `--only: expected names of rules for ${SIDES[side]}, not ${JSON.stringify(name)}`;
  if (ids[other].some((id) => isNamed(id, name))) return `${expected}, a rule for ${SIDES[other]}: ${LIST}`;
  const nearest = findNearest(name, ids[side]);
  return `${expected}${nearest === undefined ? "" : `. The nearest is ${nearest}`}: ${LIST}`;
}

/** Finds the name with the fewest edits; `undefined` if more than half of the characters differ. */
function findNearest(name: string, ids: readonly string[]): string | undefined {
  const edits = ids.map((id) => ({ id, count: countEdits(name, id) }));
  const [nearest] = edits.sort((one, other) => one.count - other.count);
  return nearest && nearest.count <= name.length / 2 ? nearest.id : undefined;
}

/** Counts the characters to add, to remove or to replace, as Levenshtein does. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of Array.from(from).entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (to[column - 1] === character ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
