import { ConnectionError } from "../shared/errors.ts";
import type { RejectionCode } from "../shared/rejection.ts";

/** Whether the first handshake has taken place, as a promise that settles once. */
export interface Readiness {
  readonly promise: Promise<void>;
  isPending(): boolean;
  resolve(): void;
  reject(code: RejectionCode, message: string): void;
}

/** Starts waiting for the first handshake. */
export function createReadiness(): Readiness {
  let isPending = true;
  let resolve = (): void => {};
  let reject: (reason: ConnectionError) => void;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  const end = (): void => {
    isPending = false;
  };
  // This handler also keeps a `ready` that nobody awaits from being an unhandled rejection.
  promise.then(end, end);
  return {
    promise,
    isPending: () => isPending,
    resolve,
    reject: (code, message) => reject(new ConnectionError(message, { code, retryable: true })),
  };
}
