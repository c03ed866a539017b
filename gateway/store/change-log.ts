import type { KeptAgent } from "./agent.ts";

/** Something that has become of an agent. */
export type Change =
  | { readonly cursor: string; readonly agent: KeptAgent }
  | { readonly cursor: string; readonly removedUserId: number; readonly version: number };

/** The last changes of one customer, so that a reader who was away can be told what it has missed. */
export interface ChangeLog {
  /** Remembers a change, whose cursor is higher than all before it. */
  append(change: Change): void;
  /** Where the log stands: the cursor of the last change, or the one that it began with. */
  cursor(): string;
  /** The changes after this cursor, oldest first; `undefined` where it is unknown here or too old. */
  since(cursor: string): readonly Change[] | undefined;
  /** Forgets everything and begins anew at this cursor. */
  restart(cursor: string): void;
}

/** An empty log that begins at a cursor and holds this many changes. */
export function createChangeLog(begin: string, capacity: number): ChangeLog {
  let changes: Change[] = [];
  /** The place of each cursor that can be resumed from, counted from the log's beginning. */
  const places = new Map<string, number>([[begin, 0]]);
  let last = begin;
  let forgotten = 0;

  function forgetOldest(): void {
    // In strides, since each takes all that stays to another place.
    const excess = changes.length - capacity;
    if (excess < Math.max(1, capacity / 10)) return;
    changes = changes.slice(excess);
    forgotten += excess;
    for (const [cursor, place] of places) {
      if (place >= forgotten) break;
      places.delete(cursor);
    }
  }

  return {
    append(change) {
      changes.push(change);
      places.set(change.cursor, forgotten + changes.length);
      last = change.cursor;
      forgetOldest();
    },
    cursor: () => last,
    since(cursor) {
      const place = places.get(cursor);
      return place === undefined ? undefined : changes.slice(place - forgotten);
    },
    restart(cursor) {
      changes = [];
      places.clear();
      places.set(cursor, 0);
      last = cursor;
      forgotten = 0;
    },
  };
}
