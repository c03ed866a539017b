import type { Delay } from "../../delay.ts";
import { MAX_ENTRIES } from "./connection.ts";

/** Waits before the next read of changes if changes are dense. `entries` is the number of entries of the last read. */
export type ReadPace = (entries: number, signal: AbortSignal) => Promise<void>;

export interface ReadPaceOptions {
  readonly monotonicMs: () => number;
  readonly wait: Delay;
}

/** Delay before the next read while changes are dense, in milliseconds: at most so many milliseconds late, 50 reads a second. */
const PACE_MS = 20;

/** Changes are dense if two reads with changes end within this time, in milliseconds. */
const DENSE_MS = 100;

/**
 * Creates the pace of a gateway's reads of the change stream. Each change wakes every gateway that waits for changes, so
 * that a change would cost Redis more with each gateway. A gateway that does not wait reads several changes at once
 * instead. A lone change is read at once, because the gateway waits for the change.
 */
export function createReadPace({ monotonicMs, wait }: ReadPaceOptions): ReadPace {
  let changedMs = -Infinity;
  return async function pace(entries, signal) {
    if (entries === 0) return;
    const lastChangedMs = changedMs;
    changedMs = monotonicMs();
    const isDense = changedMs - lastChangedMs <= DENSE_MS;
    // After a full read the gateway is behind.
    if (isDense && entries < MAX_ENTRIES) await wait(PACE_MS, signal);
  };
}
