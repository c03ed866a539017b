/** However long the gateway asks to be left alone, it is asked again after so long, in milliseconds. */
export const LONGEST_WAIT_MS = 300_000;

/** Why a call for what is live has failed. */
export interface Failure {
  /** Whether the backend takes no token of this page's any more. */
  readonly isRefusal: boolean;
  /** Whether the backend lets this page's token read nothing, or has nothing to read: it will hardly say otherwise soon. */
  readonly isDenial: boolean;
  /** How long the backend asks to be left alone, in milliseconds; 0 where it does not. */
  readonly retryAfterMs: number;
  /** What came that is none of the gateway's answers; `undefined` where nothing such came. */
  readonly defect: unknown;
}

/** What was answered is what no gateway sends. */
export class MalformedAnswer extends Error {
  override readonly name = "MalformedAnswer";

  constructor(cause: unknown) {
    super("What follows users has brought what no gateway sends", { cause });
  }
}

/**
 * Reads what was thrown by a call. It goes by what an error holds: its classes are the widget's, which the live part does
 * not import.
 */
export function readFailure(error: unknown): Failure {
  const isMalformed = error instanceof MalformedAnswer || hasCode(error, "INVALID_RESPONSE");
  const status = readNumber(error, "status");
  return {
    isRefusal: status === 401,
    isDenial: status === 403 || status === 404,
    retryAfterMs: Math.min(LONGEST_WAIT_MS, 1_000 * (readNumber(error, "retryAfterSeconds") ?? 0)),
    defect: isMalformed ? error : undefined,
  };
}

function hasCode(error: unknown, code: string): boolean {
  const rejection = readMember(error, "rejection");
  return readMember(rejection, "code") === code;
}

function readNumber(error: unknown, name: string): number | undefined {
  const value = readMember(error, name);
  return typeof value === "number" ? value : undefined;
}

/** A member of what may be no object. */
export function readMember(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
