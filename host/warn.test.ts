import { beforeEach, expect, onTestFinished, test, vi } from "vitest";

beforeEach(() => void vi.resetModules());

/** Imports an instance of the module that has written no warning yet. */
const loadWarnOnce = async () => (await import("./warn.ts")).warnOnce;

test("writes each fault once, with the library's name and the page of the documentation, up to twenty on a page", async () => {
  const warnOnce = await loadWarnOnce();
  const warn = vi.spyOn(console, "warn").mockReturnValue();
  for (let count = 1; count <= 30; count += 1) {
    warnOnce(`fault ${count}`);
    warnOnce(`fault ${count}`);
  }
  await Promise.resolve();
  const written = Array.from(
    { length: 20 },
    (_, index) => `availability-bridge: fault ${index + 1}. See "It does not work" in the documentation`,
  );
  expect(warn.mock.calls.flat()).toEqual(written);
});

test("throws nothing at its caller on a page whose console has no `warn`: the browser reports the error", async () => {
  const warnOnce = await loadWarnOnce();
  const microtasks: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => microtasks.push(task));
  vi.stubGlobal("console", { log() {} });
  onTestFinished(() => void vi.unstubAllGlobals());
  warnOnce("a fault");
  expect(microtasks).toHaveLength(1);
  expect(microtasks[0]).toThrow("warn is not a function");
});
