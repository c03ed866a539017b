import { expect, onTestFinished, test, vi } from "vitest";
import { createListeners } from "./listeners.ts";

/** What is reported, in place of the browser's own `reportError`. */
function catchReports(): unknown[] {
  const reported: unknown[] = [];
  vi.stubGlobal("reportError", (error: unknown) => reported.push(error));
  onTestFinished(() => void vi.unstubAllGlobals());
  return reported;
}

test("reports a listener that throws and calls the next one all the same", () => {
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

test("calls a function as often as it was added, and takes one of them back at a time", () => {
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

test("calls neither who came during a call nor, from the next call on, who left during it", () => {
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

test("does not call a listener that an earlier one has taken back in the same call", () => {
  const listeners = createListeners<[]>();
  const heard = vi.fn();
  listeners.add(() => off());
  const off = listeners.add(heard);
  listeners.emit();
  expect(heard).not.toHaveBeenCalled();
});

test("lets all hear everything in one order, also what a listener emits", () => {
  const listeners = createListeners<[number]>();
  const heard: number[] = [];
  listeners.add((number) => {
    if (number === 1) listeners.emit(2);
  });
  listeners.add((number) => heard.push(number));
  listeners.emit(1);
  expect(heard).toEqual([1, 2]);
});
