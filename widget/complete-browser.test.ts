import { createContext, runInContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { completeBrowser } from "./complete-browser.ts";

/** Creates a browser without the named members, whose `AbortController` knows no reason. */
function createOldBrowser() {
  class OldSignal extends EventTarget {
    aborted = false;
  }
  class OldController {
    readonly signal = new OldSignal();
    abort(): void {
      if (this.signal.aborted) return;
      this.signal.aborted = true;
      this.signal.dispatchEvent(new Event("abort"));
    }
  }
  const timers: (() => void)[] = [];
  const scope: typeof globalThis = runInContext("globalThis", createContext({ Event, EventTarget, DOMException }));
  Object.assign(scope, {
    AbortController: OldController,
    AbortSignal: OldSignal,
    setTimeout: (callback: () => void) => timers.push(callback),
  });
  Reflect.deleteProperty(scope.Object, "hasOwn");
  completeBrowser(scope);
  return { scope, timers };
}

test("any aborts with the reason of the first signal that aborts, also of one that has before", () => {
  const { AbortController: Controller, AbortSignal: Signal } = createOldBrowser().scope;
  const [first, second] = [new Controller(), new Controller()];
  const signal = Signal.any([first.signal, second.signal]);
  expect(signal.aborted).toBe(false);
  second.abort("second");
  first.abort("first");
  expect([signal.aborted, signal.reason]).toEqual([true, "second"]);
  expect(Signal.any([new Controller().signal, first.signal]).reason).toBe("first");
});

test("timeout aborts with a TimeoutError when its time is over", () => {
  const { scope, timers } = createOldBrowser();
  const signal = scope.AbortSignal.timeout(1);
  expect(signal.aborted).toBe(false);
  timers[0]?.();
  expect([signal.aborted, signal.reason.name]).toEqual([true, "TimeoutError"]);
});

test("an aborted signal has its first reason, by itself an AbortError, and throws it", () => {
  const { AbortController: Controller } = createOldBrowser().scope;
  const controller = new Controller();
  controller.signal.throwIfAborted();
  controller.abort();
  controller.abort("later");
  expect(controller.signal.reason.name).toBe("AbortError");
  expect(() => controller.signal.throwIfAborted()).toThrow(controller.signal.reason);
});

test("hasOwn knows a property of the object from an inherited one", () => {
  const { scope } = createOldBrowser();
  expect([scope.Object.hasOwn({ a: 1 }, "a"), scope.Object.hasOwn({ a: 1 }, "toString")]).toEqual([true, false]);
});

test("reportError throws the error in a task of its own", () => {
  const { scope, timers } = createOldBrowser();
  const error = new Error("reported");
  scope.reportError(error);
  expect(() => timers[0]?.()).toThrow(error);
});

test("a newer browser keeps its own members", () => {
  const { any, timeout } = AbortSignal;
  const { abort } = AbortController.prototype;
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  completeBrowser(globalThis);
  expect([AbortSignal.any, AbortSignal.timeout, AbortController.prototype.abort]).toEqual([any, timeout, abort]);
  expect(globalThis.reportError).toBe(report);
  vi.unstubAllGlobals();
});
