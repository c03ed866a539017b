import { expect, onTestFinished, test, vi } from "vitest";
import { createListeners } from "./listeners.ts";

/** Replaces the browser's `reportError` and returns the reported errors. */
function catchReports(): unknown[] {
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
  return reported;
}

test("reports a listener that throws and still calls the next listener", () => {
  const reported = catchReports();
  const listeners = createListeners<[number]>();
  const mistake = new Error("mistake");
  const heard = vi.fn();
  listeners.add(() => {
    throw mistake;
  });
  listeners.add(heard);
  listeners.emit(1);
  expect(heard).toHaveBeenCalledExactlyOnceWith(1);
  expect(reported).toEqual([mistake]);
});

test("calls a function as often as it was added, and unsubscribes a single entry at a time", () => {
  const listeners = createListeners<[]>();
  const heard = vi.fn();
  const off = listeners.add(heard);
  listeners.add(heard);
  listeners.emit();
  expect(heard).toHaveBeenCalledTimes(2);
  off();
  off();
  listeners.emit();
  expect(heard).toHaveBeenCalledTimes(3);
});

test("calls a listener added during a call from the next call on, and a removed listener no more", () => {
  const listeners = createListeners<[]>();
  const late = vi.fn();
  const off = listeners.add(() => {
    off();
    listeners.add(late);
  });
  listeners.emit();
  expect(late).not.toHaveBeenCalled();
  listeners.emit();
  expect(late).toHaveBeenCalledOnce();
});

test("does not call a listener that an earlier listener has removed during the call", () => {
  const listeners = createListeners<[]>();
  const heard = vi.fn();
  listeners.add(() => off());
  const off = listeners.add(heard);
  listeners.emit();
  expect(heard).not.toHaveBeenCalled();
});

test("calls all listeners in the order of the emits, also for an emit by a listener", () => {
  const listeners = createListeners<[number]>();
  const heard: number[] = [];
  listeners.add((number) => {
    if (number === 1) listeners.emit(2);
  });
  listeners.add((number) => heard.push(number));
  listeners.emit(1);
  expect(heard).toEqual([1, 2]);
});
