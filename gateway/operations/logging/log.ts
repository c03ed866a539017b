/** What the operator is told while the gateway runs. Nothing in it is a token, a payload, a query or anybody's address. */
export interface Log {
  /** Tells something of the gateway itself: that it listens, that it closes. */
  line(text: string): void;
  /** Tells of something that the operator may have to act upon. */
  warning(text: string): void;
  /** Tells of a request that has been answered. Absent where nobody wants to be told. */
  request?(record: RequestRecord): void;
  /** Tells of what was thrown by mistake, with its stack, and by which request. */
  defect(error: unknown, request?: RequestIdentity): void;
  /** Writes down what has not been written yet, before the process ends. Nothing can be told after that. */
  flush(): Promise<void>;
}

/**
 * What one request is known by, here and at whoever stands before and behind the gateway. Both are letters, digits and
 * `.-_` alone, whoever has given them.
 */
export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
}

/** A request that has been answered. */
export interface RequestRecord extends RequestIdentity {
  /** Whose address was asked; absent where there is no such customer. */
  readonly customer?: string;
  readonly method: string;
  /** The route's pattern, and not the path that was asked: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly status: number;
  /** Until the last byte was handed over, in milliseconds. */
  readonly durationMs: number;
  /** The client left before it had all of the answer. */
  readonly aborted?: true;
}
