/** Maximum edits between a misspelt name and the right name. */
export const MAX_EDITS = 2;

/** Finds the name that takes the fewest edits. */
export function findNearest(
  name: string,
  known: readonly string[],
): { readonly nearest: string; readonly edits: number } {
  const candidates = known.map((nearest) => ({ nearest, edits: countEdits(name, nearest) }));
  return candidates.reduce((best, next) => (next.edits < best.edits ? next : best), { nearest: "", edits: Infinity });
}

/** Counts the letters to insert, delete, replace or swap with their neighbour (optimal string alignment distance). */
function countEdits(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replace = at(last, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swap = isSwap ? at(beforeLast, j - 2) + 1 : Infinity;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace, swap));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
