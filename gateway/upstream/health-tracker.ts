import type { Clock } from "../clock.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import type { ListSummary } from "../store/live-gateways.ts";
import type { ListState, UpstreamBlock } from "../store/upstream-reads.ts";
import { createBlockedFailure } from "./blocked-failure.ts";
import { toFailure } from "./failure-text.ts";
import { UpstreamError, type UpstreamHealth, type UpstreamLog } from "./upstream.ts";

/** Tracks the reads of an upstream's list, page by page. The store is as old as the page read longest ago. */
export interface HealthTracker {
  /** Records a successful read of a page, which began at `startedMs` of the monotonic clock. */
  recordPage(read: { readonly page: number; readonly startedMs: number; readonly isLast: boolean }): void;
  /**
   * Adopts the reads of all gateways. Reads that are known here stay known if the store has lost them: the gateways give
   * the store back the agents that were read.
   */
  adopt(state: ListState): void;
  /**
   * Adopts what the store says of the reads of another gateway at a time of the monotonic clock. Without a summary, the
   * list was on time then.
   */
  follow(list: ListSummary | undefined, atMs: number): void;
  /** Records a failed read of the upstream. */
  recordFailure(error: unknown): void;
  /** Marks the store as stale: the reads of other gateways are unknown. */
  markStale(): void;
  /** Number of failures since the last success. */
  failureCount(): number;
  /** Page read longest ago; 1 if no whole list has been read. */
  oldestPage(): number;
  health(): Pick<UpstreamHealth, "staleSinceMs" | "failure" | "minStaleLimitSeconds">;
}

export interface HealthTrackerOptions {
  /** Interval between the reads of two pages while all is well, in milliseconds. */
  readonly pageIntervalMs: number;
  /** Time by which the oldest page of a list that is on time may be older than the list takes, in milliseconds. */
  readonly graceMs: number;
  /** Time by which a page may be read later than expected, in milliseconds, before the store counts as stale. */
  readonly overdueMs: number;
  /** Returns the last block of the upstream that the budget knows of. */
  readonly lastBlock: () => UpstreamBlock | undefined;
  readonly clock: Clock;
  readonly log: UpstreamLog;
}

/** Least stale limit, as a multiple of the time for a whole list: a page may fail and still be read in time. */
const LISTS_PER_LIMIT = 2;

/**
 * Longest time of a block by which the stale limit grows, in milliseconds: twice the vendor's block after a 429. A longer
 * block is an outage.
 */
const MAX_BLOCK_IN_LIMIT_MS = 120_000;

/** Last read of a page. */
interface PageStart {
  readonly page: number;
  readonly startedMs: number;
}

/** Creates the tracker of an upstream without a success yet. */
export function createHealthTracker(options: HealthTrackerOptions): HealthTracker {
  const { pageIntervalMs, graceMs, overdueMs, lastBlock, clock, log } = options;
  const startedMsByPage = new Map<number, number>();
  let pageCount: number | undefined;
  /** Kept, because every request asks for the health. */
  let oldest: PageStart | undefined;
  /** Start of the last read of the oldest page, as another gateway has recorded it. */
  let followedMs = -Infinity;
  let isMarkedStale = true;
  let failureCount = 0;
  let failure: UpstreamError | undefined;
  /** Last block that another gateway has recorded. */
  let followedBlock: UpstreamBlock | undefined;
  const toBlockedFailure = createBlockedFailure(clock);

  /** Returns the page read longest ago with the start of the read; `undefined` unless each page has been read. */
  function findOldest(): PageStart | undefined {
    let found: PageStart | undefined;
    for (let page = 1; page <= (pageCount ?? 0); page += 1) {
      const startedMs = startedMsByPage.get(page);
      if (startedMs === undefined) return undefined;
      if (!found || startedMs < found.startedMs) found = { page, startedMs };
    }
    return found;
  }

  function recordSuccess(): void {
    if (failureCount > 0) log.line(`The telephony system responds again, after ${failureCount} failures`);
    isMarkedStale = false;
    failureCount = 0;
    failure = undefined;
  }

  const listMs = (): number => (pageCount ?? 0) * pageIntervalMs;
  const oldestMs = (): number => Math.max(oldest?.startedMs ?? -Infinity, followedMs);
  const isListKnown = (): boolean => oldestMs() > -Infinity;

  /** Returns the length of a block, in milliseconds; 0 once each page has been read after its end. */
  function lengthMs(block: UpstreamBlock | undefined): number {
    return block && block.endsMs > oldestMs() ? Math.min(block.endsMs - block.startsMs, MAX_BLOCK_IN_LIMIT_MS) : 0;
  }

  /**
   * Returns the least stale limit, in milliseconds. A block must not end the service of a store that counts as current when
   * the block begins: the page to read next is then as old as a list takes, or overdue, and is read when the block ends.
   */
  function minStaleLimitMs(): number {
    const blockMs = Math.max(lengthMs(lastBlock()), lengthMs(followedBlock));
    const blockedListMs = blockMs > 0 ? listMs() + blockMs + overdueMs : 0;
    return Math.max(LISTS_PER_LIMIT * listMs(), blockedListMs);
  }

  function blockEndsMs(): number | undefined {
    const endsMs = Math.max(lastBlock()?.endsMs ?? -Infinity, followedBlock?.endsMs ?? -Infinity);
    return endsMs > -Infinity ? endsMs : undefined;
  }

  return {
    failureCount: () => failureCount,
    oldestPage: () => oldest?.page ?? 1,
    recordPage({ page, startedMs, isLast }) {
      startedMsByPage.set(page, startedMs);
      if (isLast) pageCount = page;
      oldest = findOldest();
      recordSuccess();
    },
    adopt(state) {
      for (const [page, startedMs] of state.startedMsByPage) {
        startedMsByPage.set(page, Math.max(startedMs, startedMsByPage.get(page) ?? -Infinity));
      }
      pageCount = state.pageCount ?? pageCount;
      followedBlock = state.block ?? followedBlock;
      oldest = findOldest();
      if (state.failureCount === 0) return recordSuccess();
      isMarkedStale = true;
      // The gateway that has read the list until now has logged the first failure.
      failureCount = state.failureCount;
      failure = toFailure(state.reason);
    },
    follow(list, atMs) {
      if (!list && !isListKnown()) return;
      pageCount = list?.pageCount ?? pageCount;
      followedBlock = list?.block ?? followedBlock;
      // Of a list on time, the oldest page is at most as old as this.
      followedMs = Math.max(followedMs, list ? (list.oldestMs ?? -Infinity) : atMs - listMs() - graceMs);
      if (!list || list.failureCount === 0) return recordSuccess();
      isMarkedStale = true;
      failure = toFailure(list.reason);
    },
    recordFailure(error) {
      failureCount += 1;
      isMarkedStale = true;
      failure = error instanceof UpstreamError ? error : undefined;
      // Log the first failure of a series only: an outage of an hour would fill the log.
      if (failureCount === 1) report(log, error);
    },
    markStale() {
      isMarkedStale = true;
    },
    health() {
      const sinceMs = oldestMs();
      const isStale = isMarkedStale || clock.monotonicMs() - sinceMs > listMs() + overdueMs;
      return {
        staleSinceMs: isStale ? sinceMs : undefined,
        failure: failure && toBlockedFailure(failure, blockEndsMs()),
        minStaleLimitSeconds: Math.ceil(minStaleLimitMs() / 1000),
      };
    },
  };
}

function report(log: UpstreamLog, error: unknown): void {
  if (error instanceof UpstreamError) log.warning(error.message);
  else if (error instanceof StoreUnavailableError) log.warning("The state of the telephony system cannot be stored");
  else log.defect(error);
}
