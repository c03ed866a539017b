import { expect, test, vi } from "vitest";
import { createVisibility, onPageResume, onPageShown } from "./page-resume.ts";

/** A window with a visibility set by the test. */
function setUp() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = Object.assign(new EventTarget(), { document });
  const wake = vi.fn();
  onPageResume(window, wake);
  onPageShown(document, wake);
  return { window, document, wake };
}

test.each(["online", "pageshow"])("calls back on %s", (type) => {
  const { window, wake } = setUp();
  window.dispatchEvent(new Event(type));
  expect(wake).toHaveBeenCalledTimes(1);
});

test("calls back when the browser unfreezes the page", () => {
  const { document, wake } = setUp();
  document.dispatchEvent(new Event("resume"));
  expect(wake).toHaveBeenCalledTimes(1);
});

test("calls back when the page becomes visible, and not when the page is hidden", () => {
  const { document, wake } = setUp();
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(wake).not.toHaveBeenCalled();
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(wake).toHaveBeenCalledTimes(1);
});

test("calls back once when the page is visible again after it was asked while hidden, and listens to nothing", () => {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const listen = vi.spyOn(document, "addEventListener");
  const frames: (() => void)[] = [];
  const wake = vi.fn();
  const isVisible = createVisibility(document, wake, (callback) => frames.push(callback));
  expect(isVisible()).toBe(true);
  expect(frames).toEqual([]);
  for (let count = 1; count <= 2; count += 1) {
    document.visibilityState = "hidden";
    expect([isVisible(), isVisible()]).toEqual([false, false]);
    expect(wake).toHaveBeenCalledTimes(count - 1);
    document.visibilityState = "visible";
    expect(frames).toHaveLength(1);
    frames.pop()?.();
    expect(wake).toHaveBeenCalledTimes(count);
  }
  expect(listen).not.toHaveBeenCalled();
});
