import type { StoredAgent } from "./agent.ts";

/** Change or removal of an agent. */
export type Change =
  | { readonly cursor: string; readonly agent: StoredAgent }
  | { readonly cursor: string; readonly removedUserId: number; readonly version: number };

/** Returns the user of a change or a removal. */
export function toUserId(change: Change): number {
  return "agent" in change ? change.agent.userId : change.removedUserId;
}

/** Change with its position among the changes of all customers. */
export interface PositionedChange {
  readonly position: number;
  readonly change: Change;
}

/**
 * Latest changes of all customers together, for subscribers that return after an absence. A busy customer's changes
 * displace those of every other customer, so the size does not grow with the number of customers.
 */
export interface ChangeHistory {
  /** Returns the customer's part of the history. */
  of(customerId: string): CustomerHistory;
  /** Returns the position after which the history is complete. */
  firstPosition(): number;
  /** Discards all changes and starts again at a position. */
  reset(position: number): void;
  size(): HistorySize;
}

/** One customer's part of a history. */
export interface CustomerHistory {
  /** Appends a change. The position must be higher than every earlier position of any customer. */
  append(entry: PositionedChange): void;
  /**
   * Returns the customer's changes after a position, oldest first. Empty if the position is ahead of the history;
   * `undefined` if changes in between may have been discarded.
   */
  since(position: number): readonly PositionedChange[] | undefined;
  /** Discards the customer's changes up to the position, because some were erased. */
  discard(position: number): void;
}

/** Size of a history in this process's memory. */
export interface HistorySize {
  /** Number of changes. */
  readonly entries: number;
  /** Estimated bytes of the changes. */
  readonly bytes: number;
}

/** Limits of a history. */
export interface HistoryLimits {
  /** Number of changes that the history holds at least, unless `maxBytes` is reached. It holds at most a tenth more. */
  readonly length: number;
  /** Maximum of the estimated bytes. @default 67108864 */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 1024 ** 2;

/** Bytes of a change and its places in the history. `npm run bench:gateway -- --only history` measures them. */
const CHANGE_BYTES = 310;
const WRAP_UP_BYTES = 64;

/** Changes of one customer that are still in the history. */
interface CustomerPart {
  readonly customerId: string;
  entries: PositionedChange[];
  /** Number of leading entries to remove. */
  discardedCount: number;
}

/** Creates an empty history, starting at a position. */
export function createChangeHistory(
  firstPosition: number,
  { length, maxBytes = MAX_BYTES }: HistoryLimits,
): ChangeHistory {
  let readableFrom = firstPosition;
  /** The part of each change, in the order of the changes. */
  let order: CustomerPart[] = [];
  let parts = new Map<string, CustomerPart>();
  /** Positions up to which customers' changes were discarded, later than `readableFrom`. */
  let discardedUpTo = new Map<string, number>();
  let bytes = 0;

  function append(customerId: string, entry: PositionedChange): void {
    const part = parts.get(customerId) ?? { customerId, entries: [], discardedCount: 0 };
    parts.set(customerId, part);
    part.entries.push(entry);
    order.push(part);
    bytes += estimateBytes(entry.change);
    discardOldest();
  }

  function discardOldest(): void {
    // Discard in batches, because each `slice` copies the remaining entries.
    const isTooLong = order.length - length >= Math.max(1, length / 10);
    if (!isTooLong && bytes <= maxBytes) return;
    const keptLength = isTooLong ? length : order.length;
    const keptBytes = bytes <= maxBytes ? bytes : maxBytes * 0.9;
    const touched = new Set<CustomerPart>();
    let count = 0;
    while (order.length - count > keptLength || bytes > keptBytes) {
      const part = order[count];
      const entry = part?.entries[part.discardedCount];
      if (!part || !entry) break;
      part.discardedCount += 1;
      touched.add(part);
      readableFrom = entry.position;
      bytes -= estimateBytes(entry.change);
      count += 1;
    }
    order = order.slice(count);
    for (const part of touched) removeDiscarded(part);
  }

  function discard(customerId: string, position: number): void {
    const part = parts.get(customerId);
    if (part) {
      parts.delete(customerId);
      order = order.filter((each) => each !== part);
      for (const { change } of part.entries) bytes -= estimateBytes(change);
    }
    for (const [id, at] of discardedUpTo) if (at <= readableFrom) discardedUpTo.delete(id);
    discardedUpTo.set(customerId, position);
  }

  function removeDiscarded(part: CustomerPart): void {
    part.entries = part.entries.slice(part.discardedCount);
    part.discardedCount = 0;
    if (part.entries.length === 0) parts.delete(part.customerId);
  }

  return {
    of: (customerId) => ({
      append: (entry) => append(customerId, entry),
      since(position) {
        if (position < Math.max(readableFrom, discardedUpTo.get(customerId) ?? 0)) return undefined;
        const entries = parts.get(customerId)?.entries ?? [];
        return entries.slice(countUpTo(entries, position));
      },
      discard: (position) => discard(customerId, position),
    }),
    firstPosition: () => readableFrom,
    reset(position) {
      readableFrom = position;
      order = [];
      parts = new Map();
      discardedUpTo = new Map();
      bytes = 0;
    },
    size: () => ({ entries: order.length, bytes }),
  };
}

function estimateBytes(change: Change): number {
  return "agent" in change && change.agent.wrapUp ? CHANGE_BYTES + WRAP_UP_BYTES : CHANGE_BYTES;
}

/** Counts the entries at or before a position. */
function countUpTo(entries: readonly PositionedChange[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.position ?? Infinity) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
