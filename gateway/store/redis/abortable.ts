/** Settles like the promise, or rejects with the signal's reason if the signal aborts first. The promise continues. */
export function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Resolves when the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * Calls `onExceeded` after `limitMs` milliseconds unless the returned function cancels the timeout first.
 *
 * Data received by then is processed first: a blocked process must not blame Redis for its own delay.
 */
export function startTimeout(limitMs: number, onExceeded: () => void): () => void {
  let pending: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    pending = setImmediate(onExceeded);
  }, limitMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(pending);
  };
}
