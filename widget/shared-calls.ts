import type { CallScope } from "./gateway-client.ts";

interface SharedCall<Value> {
  readonly answer: Promise<Value>;
  readonly controller: AbortController;
  readonly callers: Set<CallScope>;
}

/**
 * Lets callers that ask for the same key at the same time share one call.
 * The call lives as long as its most patient caller, and is aborted when the last one has left.
 */
export function createSharedCalls<Key, Value>(
  call: (key: Key, scope: CallScope) => Promise<Value>,
): (key: Key, scope: CallScope) => Promise<Value> {
  const running = new Map<Key, SharedCall<Value>>();

  function forget(key: Key, shared: SharedCall<Value>): void {
    if (running.get(key) === shared) running.delete(key);
  }

  function begin(key: Key, { traceparent }: CallScope): SharedCall<Value> {
    const controller = new AbortController();
    const callers = new Set<CallScope>();
    const deadline = { remainingMs: () => Math.max(0, ...[...callers].map((caller) => caller.deadline.remainingMs())) };
    const answer = call(key, { signal: controller.signal, deadline, traceparent });
    const shared = { answer, controller, callers };
    running.set(key, shared);
    const end = (): void => forget(key, shared);
    answer.then(end, end);
    return shared;
  }

  return async function join(key, scope) {
    scope.signal.throwIfAborted();
    const shared = running.get(key) ?? begin(key, scope);
    shared.callers.add(scope);
    const leave = (): void => {
      shared.callers.delete(scope);
      if (shared.callers.size > 0) return;
      forget(key, shared);
      shared.controller.abort(scope.signal.reason);
    };
    scope.signal.addEventListener("abort", leave, { once: true });
    try {
      return await shared.answer;
    } finally {
      scope.signal.removeEventListener("abort", leave);
    }
  };
}
