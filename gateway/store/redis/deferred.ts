/** Promise that is settled from outside, possibly before a caller waits for it. Only the first settlement counts. */
export interface Deferred<Value> {
  readonly promise: Promise<Value>;
  isSettled(): boolean;
  resolve(value: Value): void;
  reject(reason: unknown): void;
}

/** Creates an unsettled promise. */
export function createDeferred<Value>(): Deferred<Value> {
  let isSettled = false;
  let resolve!: (value: Value) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => {
    // Every waiting caller receives the rejection. Without a caller the rejection must not count as unhandled.
  });
  return {
    promise,
    isSettled: () => isSettled,
    resolve(value) {
      isSettled = true;
      resolve(value);
    },
    reject(reason) {
      isSettled = true;
      reject(reason);
    },
  };
}
