/**
 * Time at which a read of an upstream began, in microseconds on the store's clock, which all gateways share. Later reads
 * have later times, unless the clock is set back.
 */
export type ReadStart = number;

/** Read of a page of an upstream's list of agents. */
export interface PageRead {
  /** Number of the page, from 1. */
  readonly page: number;
  readonly readAt: ReadStart;
  /** True if the list ends with this page. */
  readonly isLast: boolean;
  /** Interval between the reads of two pages while all is well, in milliseconds. */
  readonly pageIntervalMs: number;
  /** Time by which a page may be read later than at its interval, in milliseconds, before the list counts as late. */
  readonly graceMs: number;
}

/** Failures of the reads of an upstream's list of agents. */
export interface ListFailures {
  /** Number of failures since the last success. */
  readonly failureCount: number;
  /** Number of times that failures in a row have moved the poll to the next gateway. */
  readonly moves: number;
  /** Reason of the last failure, as recorded; empty without a failure. */
  readonly reason: string;
}

/** Time during which an upstream gets no requests, in milliseconds on the monotonic clock of this process. */
export interface UpstreamBlock {
  readonly startsMs: number;
  readonly endsMs: number;
}

/** State of the reads of an upstream's list of agents. */
export interface ListState extends ListFailures {
  /** Last block of the upstream, by any gateway. Absent if none is known. */
  readonly block?: UpstreamBlock | undefined;
  /** Start of the last read of each page, in milliseconds on the monotonic clock of this process. */
  readonly startedMsByPage: ReadonlyMap<number, number>;
  /** Number of pages; `undefined` before the last page was read. */
  readonly pageCount: number | undefined;
}
