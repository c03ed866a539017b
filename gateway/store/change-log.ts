import type { StoredAgent } from "./agent.ts";

/** Change or removal of an agent. */
export type Change =
  | { readonly cursor: string; readonly agent: StoredAgent }
  | { readonly cursor: string; readonly removedUserId: number; readonly version: number };

/** Latest changes of a customer or of the whole store, for subscribers that return after an absence. */
export interface ChangeLog<Entry extends Positioned> {
  /** Appends an entry. The position must be higher than every earlier position. */
  append(entry: Entry): void;
  /** Returns the position after which the log is complete. */
  firstPosition(): number;
  /**
   * Returns the entries after a position, oldest first. Empty if the position is ahead of the log; `undefined` if
   * entries in between were discarded.
   */
  since(position: number): readonly Entry[] | undefined;
  /** Discards all entries and starts again at a position. */
  reset(position: number): void;
}

/** Entry with a position in the order of changes. */
export interface Positioned {
  readonly position: number;
}

/** Creates an empty log, starting at a position. A full log holds at least `capacity` entries. */
export function createChangeLog<Entry extends Positioned>(firstPosition: number, capacity: number): ChangeLog<Entry> {
  let entries: Entry[] = [];
  let readableFrom = firstPosition;

  function forgetOldest(): void {
    // Discard in batches, because each `slice` copies the remaining entries.
    const excess = entries.length - capacity;
    if (excess < Math.max(1, capacity / 10)) return;
    readableFrom = entries[excess - 1]?.position ?? readableFrom;
    entries = entries.slice(excess);
  }

  return {
    append(entry) {
      entries.push(entry);
      forgetOldest();
    },
    firstPosition: () => readableFrom,
    since: (position) => (position < readableFrom ? undefined : entries.slice(countUpTo(entries, position))),
    reset(position) {
      entries = [];
      readableFrom = position;
    },
  };
}

/** Counts the entries at or before a position. */
function countUpTo(entries: readonly Positioned[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.position ?? Infinity) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
