import type { StoredAgent } from "./agent.ts";

/** Something that has become of an agent. */
export type Change =
  | { readonly cursor: string; readonly agent: StoredAgent }
  | { readonly cursor: string; readonly removedUserId: number; readonly version: number };

/** The last changes of one customer or of all, so that a reader who was away can be told what it has missed. */
export interface ChangeLog<Entry extends Positioned> {
  /** Remembers an entry, whose position is higher than all before it. */
  append(entry: Entry): void;
  /** The position that it can be read from: what comes after it is all there. */
  firstPosition(): number;
  /** The entries after this position, oldest first: none where it lies ahead; `undefined` where some are forgotten. */
  since(position: number): readonly Entry[] | undefined;
  /** Forgets everything and begins anew at this position. */
  reset(position: number): void;
}

/** What stands at a place in the order of changes. */
export interface Positioned {
  readonly position: number;
}

/** An empty log that begins at a position and holds at least this many entries, once there are as many. */
export function createChangeLog<Entry extends Positioned>(firstPosition: number, capacity: number): ChangeLog<Entry> {
  let entries: Entry[] = [];
  let readableFrom = firstPosition;

  function forgetOldest(): void {
    // In strides, since each takes all that stays to another place.
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

/** How many of these entries stand at this position or before it. */
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
