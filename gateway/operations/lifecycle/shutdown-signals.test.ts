import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { shutDownOnSignals } from "./shutdown-signals.ts";

/** Creates a process with signals from the test, which records its calls. */
function setUp() {
  const done: string[] = [];
  const hearing = new EventEmitter();
  const exited = new Promise<number>((resolve) => hearing.once("exited", resolve));
  const process = Object.assign(hearing, {
    exit(code: number) {
      hearing.emit("exited", code);
    },
  });
  const log = {
    line() {},
    warning() {},
    error() {},
    request() {},
    defect: (error: unknown) => void done.push(`defect ${String(error)}`),
    flush: async () => void done.push("flush"),
  };
  shutDownOnSignals({ log, close: async () => void done.push("close") }, process);
  return { done, hearing, exited };
}

test.each(["SIGTERM", "SIGINT"])("closes, writes its log and exits with 0 at %s", async (signal) => {
  const { done, hearing, exited } = setUp();
  hearing.emit(signal);
  expect(await exited).toBe(0);
  expect(done).toEqual(["close", "flush"]);
});

test("handles only the first signal", () => {
  const { hearing } = setUp();
  hearing.emit("SIGINT");
  expect([hearing.listenerCount("SIGINT"), hearing.listenerCount("SIGTERM")]).toEqual([0, 0]);
});

test("logs an uncaught exception, and exits with 1", async () => {
  const { done, hearing, exited } = setUp();
  hearing.emit("uncaughtException", new Error("lost"));
  expect(await exited).toBe(1);
  expect(done).toEqual(["defect Error: lost", "flush"]);
});
