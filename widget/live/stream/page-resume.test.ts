import { expect, test, vi } from "vitest";
import { onPageResume } from "./page-resume.ts";

/** A window with a visibility set by the test. */
function setUp() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = Object.assign(new EventTarget(), { document });
  const wake = vi.fn();
  onPageResume(window, wake);
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
