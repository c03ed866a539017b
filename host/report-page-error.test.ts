/** Reports errors in a browser with and without `reportError`. */
import { afterEach, expect, test, vi } from "vitest";
import { createListeners } from "./listeners.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a listener that throws in a browser without reportError is reported later, and the next listener is called", () => {
  vi.useFakeTimers();
  vi.stubGlobal("reportError", undefined);
  const listeners = createListeners<[string]>();
  const heard = vi.fn();
  listeners.add(() => {
    throw new Error("the page's own mistake");
  });
  listeners.add(heard);
  listeners.emit("one");
  expect(heard).toHaveBeenCalledWith("one");
  expect(() => vi.runAllTimers()).toThrow("the page's own mistake");
});

test("a listener that throws on a page whose own `reportError` throws, too, is reported later, and the next events are heard", () => {
  vi.useFakeTimers();
  vi.stubGlobal("reportError", (message: string) => message.toUpperCase());
  const listeners = createListeners<[string]>();
  const heard = vi.fn();
  listeners.add(() => {
    throw new Error("the listener's mistake");
  });
  listeners.add(heard);
  listeners.emit("one");
  listeners.emit("two");
  expect(heard.mock.calls).toEqual([["one"], ["two"]]);
  expect(() => vi.runOnlyPendingTimers()).toThrow("the listener's mistake");
});

test("a listener that throws is reported by the browser's reportError", () => {
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  const listeners = createListeners<[]>();
  const error = new Error("the page's own mistake");
  listeners.add(() => {
    throw error;
  });
  listeners.emit();
  expect(report).toHaveBeenCalledExactlyOnceWith(error);
});
