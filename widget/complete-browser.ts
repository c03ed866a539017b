/** Standard members that the oldest supported browsers lack: see `docs/browsers.md`. */

/** Defines a member that is absent. */
function define(owner: object, name: string, value: unknown): void {
  if (!(name in owner)) Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}

/** Patches the interfaces of a global object. The parameter is for tests. */
export function completeBrowser(scope: typeof globalThis): void {
  const { AbortController, AbortSignal, DOMException, Object } = scope;

  // Chrome 98, Firefox 97.
  if (!("reason" in AbortSignal.prototype)) {
    const { abort } = AbortController.prototype;
    AbortController.prototype.abort = function (reason: unknown = new DOMException("Aborted", "AbortError")) {
      define(this.signal, "reason", reason);
      abort.call(this);
    };
  }
  // Chrome 100, Firefox 97.
  define(AbortSignal.prototype, "throwIfAborted", function (this: AbortSignal) {
    if (this.aborted) throw this.reason;
  });
  // Chrome 103, Firefox 100, Safari 16.
  define(AbortSignal, "timeout", (milliseconds: number) => {
    const controller = new AbortController();
    scope.setTimeout(() => controller.abort(new DOMException("Timed out", "TimeoutError")), milliseconds);
    return controller.signal;
  });
  // Chrome 116, Firefox 124, Safari 17.4.
  define(AbortSignal, "any", (signals: Iterable<AbortSignal>) => {
    const controller = new AbortController();
    for (const signal of signals) {
      const follow = (): void => controller.abort(signal.reason);
      if (signal.aborted) follow();
      else signal.addEventListener("abort", follow, { once: true, signal: controller.signal });
    }
    return controller.signal;
  });
  // Chrome 93, Firefox 92.
  define(Object, "hasOwn", (owner: object, name: PropertyKey) => Object.prototype.hasOwnProperty.call(owner, name));
  // Chrome 95, Firefox 93. An error that is thrown in a task of its own is reported as well.
  define(scope, "reportError", (error: unknown) => {
    scope.setTimeout(() => {
      throw error;
    });
  });
}
