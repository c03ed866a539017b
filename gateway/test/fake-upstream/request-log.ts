/** A request that the fake's API has received. It holds no credentials. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** What it was answered with; absent where a fault kept it from a whole answer. */
  readonly status?: number;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** When it came, in milliseconds on the fake's clock. */
  readonly atMs: number;
}

/** The last requests, oldest first. */
export interface RequestLog {
  add(request: Omit<LoggedRequest, "atMs">): void;
  all(): readonly LoggedRequest[];
  /** How many there ever were since it was cleared, also of those that the log no longer holds. */
  count(): number;
  clear(): void;
}

/** How many requests the log holds. */
const CAPACITY = 10_000;

export function createRequestLog(nowMs: () => number): RequestLog {
  let requests: LoggedRequest[] = [];
  let count = 0;
  return {
    add(request) {
      count += 1;
      requests.push({ ...request, atMs: nowMs() });
      // In strides, since each takes the whole list to another place.
      if (requests.length >= CAPACITY * 2) requests = requests.slice(-CAPACITY);
    },
    all: () => requests.slice(-CAPACITY),
    count: () => count,
    clear() {
      requests = [];
      count = 0;
    },
  };
}
