import { ConnectionError } from "../shared/errors.ts";
import type { RejectionCode } from "../shared/rejection.ts";

/** Whether the first handshake has taken place, as a promise that settles in bounded time. */
export interface Readiness {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(code: RejectionCode, message: string): void;
}

/** Starts waiting for the first handshake; past the time given, the promise rejects with a `ConnectionError`. */
export function createReadiness(timeoutMs: number, unavailable: string): Readiness {
  let resolve = (): void => {};
  let rejectWith: (reason: ConnectionError) => void;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    rejectWith = onRejected;
  });
  const reject = (code: RejectionCode, message: string): void =>
    rejectWith(new ConnectionError(message, { code, retryable: true }));
  const timer = setTimeout(() => reject("WIDGET_UNAVAILABLE", unavailable), timeoutMs);
  // This handler also keeps a `ready` that nobody awaits from being an unhandled rejection.
  const stop = (): void => clearTimeout(timer);
  promise.then(stop, stop);
  return { promise, resolve, reject };
}
