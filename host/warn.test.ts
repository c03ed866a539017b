import { expect, test, vi } from "vitest";
import { warnOnce } from "./warn.ts";

test("writes each fault once, with the library's name and the page of the documentation, up to twenty on a page", () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  for (let count = 1; count <= 30; count += 1) {
    warnOnce(`fault ${count}`);
    warnOnce(`fault ${count}`);
  }
  const written = Array.from(
    { length: 20 },
    (_, index) => `availability-bridge: fault ${index + 1}. See "It does not work" in the documentation`,
  );
  expect(warn.mock.calls.flat()).toEqual(written);
});
