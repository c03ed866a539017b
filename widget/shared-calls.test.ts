import { expect, test } from "vitest";
import { deadlineIn } from "../shared/deadline.ts";
import type { CallScope } from "./gateway-client.ts";
import { createSharedCalls } from "./shared-calls.ts";

interface Caller {
  readonly scope: CallScope;
  readonly leave: (reason: Error) => void;
}

function caller(patienceMs = 10_000): Caller {
  const controller = new AbortController();
  const scope = { signal: controller.signal, deadline: deadlineIn(patienceMs) };
  return { scope, leave: (reason) => controller.abort(reason) };
}

/** A call that is answered when the test says so, and every call of it that was begun. */
function setUp(): {
  readonly join: (key: string, scope: CallScope) => Promise<string>;
  readonly begun: { readonly scope: CallScope; readonly answer: (value: string) => void }[];
} {
  const begun: { scope: CallScope; answer: (value: string) => void }[] = [];
  const join = createSharedCalls(
    (_key: string, scope) =>
      new Promise<string>((resolve, reject) => {
        begun.push({ scope, answer: resolve });
        scope.signal.addEventListener("abort", () => reject(scope.signal.reason));
      }),
  );
  return { join, begun };
}

test("makes one call for all that ask for the same at the same time, and one for each other thing", async () => {
  const { join, begun } = setUp();
  const answers = [join("a", caller().scope), join("a", caller().scope), join("b", caller().scope)];
  expect(begun).toHaveLength(2);
  begun[0]?.answer("of a");
  begun[1]?.answer("of b");
  expect(await Promise.all(answers)).toEqual(["of a", "of a", "of b"]);
});

test("makes another call once the first is over", async () => {
  const { join, begun } = setUp();
  const first = join("a", caller().scope);
  begun[0]?.answer("first");
  await first;
  void join("a", caller().scope);
  expect(begun).toHaveLength(2);
});

test("aborts the call when its last caller has left, and not before", async () => {
  const { join, begun } = setUp();
  const [one, other] = [caller(), caller()];
  const answers = Promise.allSettled([join("a", one.scope), join("a", other.scope)]);
  one.leave(new Error("one"));
  expect(begun[0]?.scope.signal.aborted).toBe(false);
  other.leave(new Error("other"));
  expect(begun[0]?.scope.signal.reason).toEqual(new Error("other"));
  expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("makes a new call for who asks after the last caller has left", async () => {
  const { join, begun } = setUp();
  const leaver = caller();
  const left = expect(join("a", leaver.scope)).rejects.toThrow("gone");
  leaver.leave(new Error("gone"));
  const later = join("a", caller().scope);
  begun[1]?.answer("again");
  expect(await later).toBe("again");
  await left;
});

test("lives as long as its most patient caller", () => {
  const { join, begun } = setUp();
  void join("a", caller(100).scope);
  void join("a", caller(60_000).scope);
  expect(begun[0]?.scope.deadline.remainingMs()).toBeGreaterThan(1_000);
});

test("refuses a caller that has left before it asked", async () => {
  const { join, begun } = setUp();
  const leaver = caller();
  leaver.leave(new Error("never mind"));
  await expect(join("a", leaver.scope)).rejects.toThrow("never mind");
  expect(begun).toHaveLength(0);
});

test("goes by the trace context of its first caller", () => {
  const { join, begun } = setUp();
  for (const traceparent of ["first", "second"]) void join("a", { ...caller().scope, traceparent });
  expect(begun.map(({ scope }) => scope.traceparent)).toEqual(["first"]);
});
