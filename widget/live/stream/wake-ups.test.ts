import { expect, test, vi } from "vitest";
import { listenForWakeUps } from "./wake-ups.ts";

/** A window that is as visible as the test says. */
function setUp() {
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  const window = Object.assign(new EventTarget(), { document });
  const wake = vi.fn();
  listenForWakeUps(window, wake);
  return { window, document, wake };
}

test.each(["online", "pageshow"])("wakes at %s", (type) => {
  const { window, wake } = setUp();
  window.dispatchEvent(new Event(type));
  expect(wake).toHaveBeenCalledTimes(1);
});

test("wakes when the browser lets the page run again", () => {
  const { document, wake } = setUp();
  document.dispatchEvent(new Event("resume"));
  expect(wake).toHaveBeenCalledTimes(1);
});

test("wakes when the page comes into view, and not when it leaves it", () => {
  const { document, wake } = setUp();
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(wake).not.toHaveBeenCalled();
  document.visibilityState = "visible";
  document.dispatchEvent(new Event("visibilitychange"));
  expect(wake).toHaveBeenCalledTimes(1);
});
