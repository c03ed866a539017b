/** What the promise comes to; rejects with the signal's reason where the signal aborts before. The promise goes on either way. */
export function raceAbort<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Resolves as soon as a signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * Calls back once a time has passed, in milliseconds, unless it is cancelled before by what this returns. What has arrived by
 * then is still looked at first: a process that was itself held up must not blame others for it.
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
