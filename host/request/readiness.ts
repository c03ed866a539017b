import { ConnectionError } from "../../shared/protocol/errors.ts";
import type { RejectionCode } from "../../shared/protocol/rejection.ts";

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
  let settle = (_error?: ConnectionError): void => {};
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      isPending = false;
      if (error) reject(error);
      else resolve();
    };
  });
  // A `ready` that nobody awaits is no unhandled rejection.
  promise.catch(() => {});
  return {
    promise,
    isPending: () => isPending,
    resolve: () => settle(),
    reject: (code, message) => settle(new ConnectionError(message, { code, retryable: true })),
  };
}
