/** Log of the gateway, for the operator. No line contains a token, a payload, a query or a client's address. */
export interface Log {
  /** Logs an event of the gateway, such as the start of listening. */
  line(text: string): void;
  /** Logs an event for the operator to act upon, with the ids of the request. */
  warning(text: string, context?: LineContext): void;
  /** Logs that something which the operator has asked for was not done. */
  error(text: string): void;
  /** Logs a finished request. Absent if the log's level omits requests. */
  request?(record: RequestRecord): void;
  /**
   * Logs a requested change of an agent, also if the change was rejected. Absent if nothing is logged, and for a reader at
   * a terminal.
   */
  audit?(record: AuditRecord | CommandAuditRecord): void;
  /** Logs an unexpected error with its stack, and the ids of the request. */
  defect(error: unknown, request?: RequestIdentity): void;
  /** Writes buffered lines before the process ends. Later lines are lost. */
  flush(): Promise<void>;
}

/** Ids of a request, shared with the proxy and the upstream. The ids consist of letters, digits and `.-_` only. */
export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
}

/** Keys that join a line to its request's line; absent if unknown. */
export interface LineContext {
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
  readonly customer?: string | undefined;
}

/** A requested change of an agent, with its result. */
export interface ChangeRecord extends LineContext {
  /** The agent to change; absent if the request has no valid user id, and for a command about a whole customer. */
  readonly userId?: number | undefined;
  /** Status before the change, as this gateway knew it; absent if it knew none. */
  readonly from?: string | undefined;
  /** The requested status; absent if the request was rejected before its body was read. */
  readonly requested?: string | undefined;
  /**
   * Status after the change, absent if the change was rejected. Differs from `requested` if the telephony system made
   * another one of it, for example for an agent in a call.
   */
  readonly to?: string | undefined;
  /** Version after the change; absent if the change was rejected. */
  readonly version?: number | undefined;
  /** Status of the response; for a command, the status of a request with the same result. */
  readonly status: number;
}

/** A requested change of an agent's status, by a client with a valid token. */
export interface AuditRecord extends ChangeRecord {
  /** Subject of the token: the user id of an agent, or the customer's operator. */
  readonly subject: number | "operator";
  /** Kind of client, as its headers claim: a page in a browser, or another program. */
  readonly clientKind: ClientKind;
}

/** A change of an agent, or of all agents of a customer, by a command at a gateway's machine. */
export interface CommandAuditRecord extends ChangeRecord {
  readonly command: "erase" | "restore";
  /** Account of the operating system that has run the command. */
  readonly account: string;
  /** Name of the machine. */
  readonly machine: string;
  /** Number of erased users; only for a whole customer. */
  readonly users?: number | undefined;
}

/** Kind of a client. Only browsers send `Sec-Fetch-Site`, and `Origin` with a change. */
export type ClientKind = "browser" | "program";

/** A finished request. */
export interface RequestRecord extends RequestIdentity {
  /** Id of the customer in the address; absent if there is no such customer. */
  readonly customer?: string;
  readonly method: string;
  /** The route's pattern instead of the path: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly status: number;
  /** Time until the last byte was written to the socket, in milliseconds. */
  readonly durationMs: number;
  /** The client disconnected before the end of the response. */
  readonly aborted?: true;
}
