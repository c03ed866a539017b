/** Why the bridge itself rejected a request. The backend's own answers carry no code. */
export type RejectionCode =
  /** The request is not an event of the contract: its message and `issues` say where. */
  | "INVALID_REQUEST"
  /** The widget knows no such event. */
  | "UNKNOWN_EVENT"
  /** A connected widget said nothing in time. The outcome is unknown. */
  | "TIMEOUT"
  /** The caller aborted. */
  | "ABORTED"
  /** No widget was connected within the request's life. */
  | "WIDGET_UNAVAILABLE"
  /** The connector was destroyed, the frame was removed, or the widget went with a request that may not be sent twice. */
  | "CONNECTION_CLOSED"
  /** The widget could not reach the backend. */
  | "BACKEND_UNREACHABLE"
  /** The backend did not answer within the request's life. */
  | "BACKEND_TIMEOUT"
  /** An answer is not what the contract says. */
  | "INVALID_RESPONSE"
  /** Too many requests are in flight. */
  | "OVERLOADED"
  /** A defect of the bridge; its text stays in the console of the side that failed. */
  | "INTERNAL";

/** One thing that is wrong with a request or an answer: where, and what was expected there. */
export interface Issue {
  /** Keys from the root, joined by dots: `payload.variables.userId`. Empty for the root itself. */
  readonly path: string;
  /** Completes the sentence "expected …". */
  readonly expected: string;
}

/** `payload.error` of a rejection that comes from the bridge and not from the backend. */
export interface BridgeRejection {
  readonly code: RejectionCode;
  /** A sentence for a developer. Holds no token, no stack and no URL with a query. */
  readonly message: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What is wrong, field by field. Only on `INVALID_REQUEST` and `INVALID_RESPONSE`. */
  readonly issues?: readonly Issue[];
}

/** Thrown inside the bridge to reject the request at hand. It never crosses a window: its `rejection` does. */
export class Refusal extends Error {
  declare readonly rejection: BridgeRejection;

  constructor(code: RejectionCode, message: string, issues?: readonly Issue[]) {
    super(message);
    const retryable = /^(TIMEOUT|WIDGET|CONNECTION|BACKEND|OVERLOADED)/.test(code);
    this.rejection = { code, message, retryable, ...(issues && { issues }) };
  }
}

/** Thrown inside the widget where the backend answered with an error: its body becomes `payload.error` as it is. */
export class BackendRefusal extends Error {
  override readonly name = "BackendRefusal";
  /** The answer's HTTP status. */
  readonly status: number;
  /** The answer's body as JSON of any kind, untouched. */
  readonly body: unknown;
  /** After how long to ask again, where the backend said so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: unknown, retryAfterSeconds?: number) {
    super(`The backend answered with status ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Refuses a request for one thing that is wrong with it: where, and what was expected there. */
export function invalidRequest(path: string, expected: string): Refusal {
  return new Refusal("INVALID_REQUEST", describeIssue({ path, expected }), [{ path, expected }]);
}

/** An issue as a sentence that names the field and what was expected of it. */
export function describeIssue({ path, expected }: Issue): string {
  return `${path || "event"}: expected ${expected}`;
}
