/** A request that the fake's API has received, without credentials. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Status of the response; absent if a fault prevented a whole response. */
  readonly status?: number;
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Time of arrival, in milliseconds on the fake's clock. */
  readonly atMs: number;
}

/** The last requests, oldest first. */
export interface RequestLog {
  add(request: Omit<LoggedRequest, "atMs">): void;
  all(): readonly LoggedRequest[];
  /** Number of requests since the log was cleared, including requests that the log no longer holds. */
  count(): number;
  clear(): void;
}

/** Capacity of the log. */
const CAPACITY = 10_000;

export function createRequestLog(nowMs: () => number): RequestLog {
  let requests: LoggedRequest[] = [];
  let count = 0;
  return {
    add(request) {
      count += 1;
      requests.push({ ...request, atMs: nowMs() });
      // In strides, because each `slice` copies the whole list.
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
