/**
 * Treatment of a code, which decides the error class that `connector.request` throws, and so who must act. A plain number, because the table
 * is in every page.
 */
export type RejectionKind = number;

/** `RejectedError`: the caller can only show the failure. */
export const FINAL = 0;
/** `ContractError`: a developer must change the code of the page or of the widget. */
export const OUTSIDE_CONTRACT = 1;
/** Highest kind for which a repetition of the same request cannot help. */
export const LAST_FINAL = 1;
/** `ConnectionError`: the page's developer or operator must bring the widget back. */
export const NOT_CONNECTED = 2;
/** `TimeoutError`: the outcome is unknown, and the caller must read again. */
export const TIMED_OUT = 3;
/** `RejectedError`: the caller may repeat the request later. */
export const LATER = 4;

/** Every code of the bridge's own rejections. Retrying and error classes follow from this table, never from a code's name. */
export const REJECTION_CODES = {
  /** The request is not an event of the contract. The message and `issues` name the fields. */
  INVALID_REQUEST: OUTSIDE_CONTRACT,
  /** The widget's contract has no such event. */
  UNKNOWN_EVENT: OUTSIDE_CONTRACT,
  /** A connected widget did not settle the request in time. The outcome is unknown. */
  TIMEOUT: TIMED_OUT,
  /** The caller aborted. */
  ABORTED: FINAL,
  /** No widget was connected within the request's timeout. */
  WIDGET_UNAVAILABLE: NOT_CONNECTED,
  /**
   * The widget was lost with a request that is not idempotent, or the iframe was removed. Not retryable if the connector was
   * destroyed, or if the iframe or its container is not in the document.
   */
  CONNECTION_CLOSED: NOT_CONNECTED,
  /** The widget could not reach the backend. */
  BACKEND_UNREACHABLE: LATER,
  /** The backend did not respond within the request's timeout. */
  BACKEND_TIMEOUT: LATER,
  /** The page's function that fetches a token has failed. The widget does not call the backend without a token instead. */
  TOKEN_UNAVAILABLE: LATER,
  /** A response does not match the contract. */
  INVALID_RESPONSE: OUTSIDE_CONTRACT,
  /** Too many requests are in flight. */
  OVERLOADED: LATER,
  /** A defect of the bridge. Its text stays in the console of the side that failed. */
  INTERNAL: FINAL,
} as const satisfies Readonly<Record<string, RejectionKind>>;

/** Reason why the bridge itself rejected a request. The backend's own errors carry no code. */
export type RejectionCode = keyof typeof REJECTION_CODES;

/** HTTP statuses that ask the caller to try again later. Every other error of the backend is final. */
export const RETRYABLE_STATUSES: readonly number[] = [408, 429, 502, 503, 504];

/** One fault of a request or a response: the field, and the expectation that it does not meet. */
export interface Issue {
  /** Keys from the root, joined by dots: `payload.variables.userId`. Empty for the root itself. */
  readonly path: string;
  /** Completes the sentence "expected …". */
  readonly expected: string;
}

/** `payload.error` of a rejection by the bridge (`meta.source` is `"bridge"`). */
export interface BridgeRejection<Code extends RejectionCode = RejectionCode> {
  readonly code: Code;
  /** A sentence for a developer. Holds no token, no stack and no URL with a query. */
  readonly message: string;
  /** True if the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** Faults, field by field. Only with `INVALID_REQUEST` and `INVALID_RESPONSE`. */
  readonly issues?: readonly Issue[];
}

/** Thrown inside the bridge to reject the current request. Only its `rejection` crosses a window. */
export class BridgeRejectionError extends Error {
  declare readonly rejection: BridgeRejection;

  /** `retryable` overrides the table, for a rejection whose code alone does not tell whether a retry may help. */
  constructor(
    code: RejectionCode,
    message: string,
    issues?: readonly Issue[],
    retryable: boolean = REJECTION_CODES[code] > LAST_FINAL,
  ) {
    super(message);
    this.rejection = { code, message, retryable, ...(issues && { issues }) };
  }
}

/** Thrown inside the widget if the backend responds with an error: the body becomes `payload.error` unchanged. */
export class BackendResponseError extends Error {
  override readonly name = "BackendResponseError";
  /** HTTP status of the response. */
  readonly status: number;
  /** Body of the response: JSON of any kind, unchanged. */
  readonly body: unknown;
  /** `Retry-After` of the response in seconds; `undefined` if the backend sent none. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: unknown, retryAfterSeconds?: number) {
    super(`The backend answered with status ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Creates the error that rejects a request for one bad field. */
export function invalidRequestError(path: string, expected: string): BridgeRejectionError {
  return new BridgeRejectionError("INVALID_REQUEST", describeIssue({ path, expected }), [{ path, expected }]);
}

/** Formats an issue as a sentence: the field, then the expectation. */
export function describeIssue({ path, expected }: Issue): string {
  return `${path || "event"}: expected ${expected}`;
}
