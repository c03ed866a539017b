import { ConnectionError } from "../../shared/protocol/errors.ts";
import type { BridgeRejectionError } from "../../shared/protocol/rejection.ts";

/** The connector's `ready`: a promise of the first handshake. Settles once. */
export interface ReadyPromise {
  readonly promise: Promise<void>;
  isPending(): boolean;
  resolve(): void;
  reject(reason: BridgeRejectionError): void;
}

/** Creates a pending `ready`. */
export function createReadyPromise(): ReadyPromise {
  let isPending = true;
  let settle = (_error?: ConnectionError): void => {};
  const promise = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      isPending = false;
      if (error) reject(error);
      else resolve();
    };
  });
  // Without a handler, a page that does not await `ready` would log an unhandled rejection.
  promise.catch(() => {});
  return {
    promise,
    isPending: () => isPending,
    resolve: () => settle(),
    reject: ({ message, rejection }) => settle(new ConnectionError(message, rejection)),
  };
}
