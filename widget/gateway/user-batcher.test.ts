import { expect, onTestFinished, test, vi } from "vitest";
import type { Availability } from "../../shared/contracts/availability.ts";
import { BackendResponseError } from "../../shared/protocol/rejection.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import type { CallOptions } from "./gateway-client.ts";
import { createUserBatcher, type UserBatcher, type UserResult } from "./user-batcher.ts";

interface Asker {
  readonly scope: CallOptions;
  readonly leave: (reason: Error) => void;
}

function asker(patienceMs = 10_000): Asker {
  const controller = new AbortController();
  const scope = { signal: controller.signal, deadline: createDeadline(patienceMs) };
  return { scope, leave: (reason) => controller.abort(reason) };
}

interface BegunCall {
  readonly scope: CallOptions;
  /** Sends the call. Users requested from then on are no part of the call. */
  readonly send: () => readonly number[];
  /** Replies for the given users, by default for all users of the call. */
  readonly answer: (reads?: ReadonlyMap<number, UserResult>) => void;
  readonly fail: (reason: unknown) => void;
}

function availabilityOf(userId: number): Availability {
  return { userId, status: "available", version: 1 };
}

/** Reads whose calls are sent and answered when the test says so, and every call that was begun. */
function setUp(maxUsers = 500): {
  readonly ask: UserBatcher["load"];
  readonly outdate: UserBatcher["invalidate"];
  readonly begun: BegunCall[];
  readonly shared: () => number;
} {
  const begun: BegunCall[] = [];
  const onCoalesced = vi.fn();
  const { load, invalidate } = createUserBatcher({
    maxUsers,
    onCoalesced,
    fetchBatch: (close, scope) =>
      new Promise((resolve, reject) => {
        const all = () => new Map(close().map((userId) => [userId, availabilityOf(userId)]));
        begun.push({ scope, send: close, answer: (reads = all()) => resolve(reads), fail: reject });
        scope.signal.addEventListener("abort", () => reject(scope.signal.reason));
      }),
  });
  return { ask: load, outdate: invalidate, begun, shared: () => onCoalesced.mock.calls.length };
}

test("makes one call for all users that are asked for before it is sent, each once", async () => {
  const { ask, begun } = setUp();
  const answers = [ask([1], asker().scope), ask([2], asker().scope), ask([1, 3], asker().scope)];
  expect(begun.map(({ send }) => send())).toEqual([[1, 2, 3]]);
  begun[0]?.answer();
  const found = (await Promise.all(answers)).map((reads) => reads.map((read) => Reflect.get(Object(read), "userId")));
  expect(found).toEqual([[1], [2], [1, 3]]);
});

test("makes another call for a user who is asked for once the first is sent, and none for a user whom it asks for", async () => {
  const { ask, begun } = setUp();
  const answers = [ask([1], asker().scope)];
  begun[0]?.send();
  answers.push(ask([2], asker().scope), ask([1], asker().scope));
  expect(begun.map(({ send }) => send())).toEqual([[1], [2]]);
  for (const { answer } of begun) answer();
  expect(await Promise.all(answers)).toEqual([[availabilityOf(1)], [availabilityOf(2)], [availabilityOf(1)]]);
});

test("makes another call for a user once the first is over", async () => {
  const { ask, begun } = setUp();
  const first = ask([1], asker().scope);
  begun[0]?.answer();
  await first;
  void ask([1], asker().scope);
  expect(begun.map(({ send }) => send())).toEqual([[1], [1]]);
});

test("asks for no more users in a call than it may hold", async () => {
  const { ask, begun } = setUp(2);
  const all = ask([1, 2, 3, 4, 5], asker().scope);
  expect(begun.map(({ send }) => send())).toEqual([[1, 2], [3, 4], [5]]);
  for (const { answer } of begun) answer();
  expect(await all).toEqual([1, 2, 3, 4, 5].map(availabilityOf));
});

test("gives each asker what there is of its users, be it a refusal or nothing", async () => {
  const { ask, begun } = setUp();
  const answers = [ask([1], asker().scope), ask([2], asker().scope), ask([3], asker().scope)];
  const refusal = new BackendResponseError(404, { title: "Not Found" });
  begun[0]?.answer(
    new Map<number, UserResult>([
      [1, availabilityOf(1)],
      [2, refusal],
    ]),
  );
  expect(await Promise.all(answers)).toEqual([[availabilityOf(1)], [refusal], [undefined]]);
});

test("fails for every asker of a call that fails", async () => {
  const { ask, begun } = setUp();
  const answers = [ask([1], asker().scope), ask([2], asker().scope)];
  begun[0]?.fail(new Error("no"));
  for (const answer of answers) await expect(answer).rejects.toThrow("no");
});

test("aborts what is left of a request of which a part has failed, unless others wait for it", async () => {
  const { ask, begun } = setUp(1);
  const failed = expect(ask([1, 2, 3], asker().scope)).rejects.toThrow("no");
  const other = ask([3], asker().scope);
  begun[0]?.fail(new Error("no"));
  await failed;
  expect(begun.slice(1).map(({ scope }) => scope.signal.aborted)).toEqual([true, false]);
  begun[2]?.answer();
  expect(await other).toEqual([availabilityOf(3)]);
});

test("aborts a call when its last asker has left, and not before", async () => {
  const { ask, begun } = setUp();
  const [one, other] = [asker(), asker()];
  const answers = Promise.allSettled([ask([1], one.scope), ask([2], other.scope)]);
  one.leave(new Error("one"));
  expect(begun[0]?.scope.signal.aborted).toBe(false);
  other.leave(new Error("other"));
  expect(begun[0]?.scope.signal.reason).toEqual(new Error("other"));
  expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("makes a new call for whoever asks after the last asker has left, be it before the call was sent", async () => {
  const { ask, begun } = setUp();
  const leaver = asker();
  const left = expect(ask([1], leaver.scope)).rejects.toThrow("gone");
  leaver.leave(new Error("gone"));
  const later = [ask([1], asker().scope), ask([2], asker().scope)];
  expect(begun[1]?.send()).toEqual([1, 2]);
  begun[1]?.answer();
  expect(await Promise.all(later)).toEqual([[availabilityOf(1)], [availabilityOf(2)]]);
  await left;
});

test("lives as long as its most patient asker", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { ask, begun } = setUp();
  void ask([1], asker(100).scope);
  void ask([2], asker(60_000).scope);
  expect(begun[0]?.scope.deadline.remainingMs()).toBe(60_000);
});

test("refuses an asker that has left before it asked", async () => {
  const { ask, begun } = setUp();
  const leaver = asker();
  leaver.leave(new Error("never mind"));
  await expect(ask([1], leaver.scope)).rejects.toThrow("never mind");
  expect(begun).toHaveLength(0);
});

test("goes by the trace context of its first asker", () => {
  const { ask, begun } = setUp();
  for (const traceparent of ["first", "second"]) void ask([1], { ...asker().scope, traceparent });
  expect(begun.map(({ scope }) => scope.traceparent)).toEqual(["first"]);
});

test("tells of each asker but the first of a call, and not of how many users it asks for", () => {
  const { ask, begun, shared } = setUp(2);
  void ask([1, 2, 3], asker().scope);
  expect(shared()).toBe(0);
  void ask([4], asker().scope);
  void ask([1, 3], asker().scope);
  expect([begun.length, shared()]).toEqual([2, 2]);
});

test("answers nobody who asks after a change of the user by a call that was sent before it", async () => {
  const { ask, outdate, begun } = setUp();
  const before = ask([1, 2], asker().scope);
  begun[0]?.send();
  outdate(1);
  const after = ask([1], asker().scope);
  const other = ask([2], asker().scope);
  expect(begun.map(({ send }) => send())).toEqual([[1, 2], [1]]);
  begun[0]?.answer();
  begun[1]?.answer(new Map([[1, { ...availabilityOf(1), version: 2 }]]));
  expect(await before).toEqual([availabilityOf(1), availabilityOf(2)]);
  expect(await after).toEqual([{ ...availabilityOf(1), version: 2 }]);
  expect(await other).toEqual([availabilityOf(2)]);
});
