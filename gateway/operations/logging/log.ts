/** Log of the gateway, for the operator. No line contains a token, a payload, a query or a client's address. */
export interface Log {
  /** Logs an event of the gateway itself, such as that it listens or closes. */
  line(text: string): void;
  /** Logs an event that the operator may have to act upon, with the request that it belongs to. */
  warning(text: string, context?: LineContext): void;
  /** Logs a request that has been answered. Absent if the log's level leaves requests out. */
  request?(record: RequestRecord): void;
  /** Logs an error of the gateway's own, with its stack, and the request that it belongs to. */
  defect(error: unknown, request?: RequestIdentity): void;
  /** Writes the lines that have not been written yet, before the process ends. Later lines are lost. */
  flush(): Promise<void>;
}

/** Ids of a request, shared with the proxy before and the upstream behind the gateway. Both consist of letters, digits and `.-_` alone. */
export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
}

/** Keys of a line that join it to the request's own line. Each is absent if it is not known. */
export interface LineContext {
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly customer?: string | undefined;
}

/** A request that has been answered. */
export interface RequestRecord extends RequestIdentity {
  /** Id of the customer in the address; absent if no such customer exists. */
  readonly customer?: string;
  readonly method: string;
  /** The route's pattern, not the path of the request: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly status: number;
  /** Time until the last byte was handed over, in milliseconds. */
  readonly durationMs: number;
  /** The client disconnected before it had all of the response. */
  readonly aborted?: true;
}
