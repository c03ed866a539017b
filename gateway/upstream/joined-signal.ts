/**
 * Runs an action with a signal that aborts when the first of the signals aborts.
 *
 * Not `AbortSignal.any`: in Node 20 and early 22, a signal keeps an entry for each signal that was joined from it, and the
 * signal of an upstream lives as long as the gateway.
 */
export async function runWithJoinedSignal<Value>(
  signals: readonly AbortSignal[],
  action: (joined: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const joined = new AbortController();
  const removals = signals.map((signal) => {
    const abort = (): void => joined.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    return () => signal.removeEventListener("abort", abort);
  });
  try {
    return await action(joined.signal);
  } finally {
    for (const remove of removals) remove();
  }
}
