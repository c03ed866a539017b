/** Maximum delay accepted from a `Retry-After`, in milliseconds. */
export const MAX_RETRY_AFTER_MS = 300_000;

/** The cause of a failed request. */
export interface LiveFailure {
  /** True if the gateway rejects the page's tokens (401). */
  readonly isUnauthorized: boolean;
  /** True if the page's token may read no agents (403), or the gateway has none (404). */
  readonly isForbidden: boolean;
  /** True if the page's token lacks the right (403). Retry slowly: a gateway that has no agents may be a fault of a moment. */
  readonly lacksRight: boolean;
  /** The gateway's `Retry-After`, in milliseconds; 0 if not sent. */
  readonly retryAfterMs: number;
  /** The error of a malformed response; `undefined` for other failures. */
  readonly defect: unknown;
}

/** Thrown for a response that does not follow the gateway's protocol. */
export class MalformedResponseError extends Error {
  override readonly name = "MalformedResponseError";

  constructor(cause: unknown) {
    super("The live response does not follow the gateway's protocol", { cause });
  }
}

/** Classifies a caught error by its properties. The live part does not import the widget's error classes. */
export function classifyError(error: unknown): LiveFailure {
  const isMalformed = error instanceof MalformedResponseError || hasCode(error, "INVALID_RESPONSE");
  const status = getNumber(error, "status");
  return {
    isUnauthorized: status === 401,
    isForbidden: status === 403 || status === 404,
    lacksRight: status === 403,
    retryAfterMs: Math.min(MAX_RETRY_AFTER_MS, 1_000 * (getNumber(error, "retryAfterSeconds") ?? 0)),
    defect: isMalformed ? error : undefined,
  };
}

function hasCode(error: unknown, code: string): boolean {
  const rejection = getProperty(error, "rejection");
  return getProperty(rejection, "code") === code;
}

function getNumber(error: unknown, name: string): number | undefined {
  const value = getProperty(error, name);
  return typeof value === "number" ? value : undefined;
}

/** Reads a property of a value of unknown type. */
export function getProperty(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
