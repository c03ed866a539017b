/** Times of the polls of many customers at a gateway, and what becomes of them when the poll moves. */
import { expect, onTestFinished, test } from "vitest";
import { createMemoryStore } from "../../store/memory-store.ts";
import { createTestTime } from "../../test/test-time.ts";
import { createHealthTracker } from "../health-tracker.ts";
import type { PollAssignment } from "../poll-assignments.ts";
import { createRequestBudget } from "../request-budget.ts";
import { UpstreamError } from "../upstream.ts";
import { createPoll } from "./poll.ts";

const PAGE_MS = 2_034;

/** A poll of a list that the test answers, with the given random numbers in turn. */
function setUp(random: readonly number[]) {
  const time = createTestTime();
  const store = createMemoryStore({ clock: time.clock }).forCustomer("acme");
  const state = {
    isAssigned: true,
    isFailing: false,
    hasLease: true,
    turns: 0,
    moves: [] as number[],
    polling: [] as boolean[],
  };
  const readsAtMs: number[] = [];
  const resumed: number[] = [];
  const leaseCalls: string[] = [];
  const healthTracker = createHealthTracker({
    pageIntervalMs: PAGE_MS,
    graceMs: 0,
    overdueMs: 30_000,
    lastBlock: () => undefined,
    clock: time.clock,
    log: { line: () => {}, warning: () => {}, defect: () => {} },
  });
  let wake = () => {};
  const assignment: PollAssignment = {
    isAssigned: () => state.isAssigned,
    whenAssigned: (signal) =>
      new Promise((resolve, reject) => {
        wake = resolve;
        signal.addEventListener("abort", () => reject(signal.reason));
        if (state.isAssigned) resolve();
      }),
    startDelayMs: () => 5,
    adoptMoves: (moves) => void state.moves.push(moves),
    remove: () => {},
  };
  const poll = createPoll({
    assignment,
    budget: createRequestBudget({ requestsPerMinute: 60, slots: store.requestSlots, clock: time.clock }),
    healthTracker,
    store,
    clock: time.clock,
    wait: time.wait,
    onTurn: (isPolling) => void state.polling.push(isPolling),
    random: () => random[state.turns++ % random.length] ?? 0,
    lease: {
      async acquire() {
        leaseCalls.push("acquire");
        return state.hasLease;
      },
      release: async () => void leaseCalls.push("release"),
    },
    list: {
      async readNext() {
        readsAtMs.push(time.nowMs());
        if (state.isFailing) throw new UpstreamError("Status 500", { status: 500 });
        healthTracker.recordPage({ page: 1, startedMs: time.nowMs(), isLast: true });
      },
      handleFailure: () => {},
      resumeAt: (page) => void resumed.push(page),
    },
  });
  const stopped = new AbortController();
  const running = poll.run(stopped.signal);
  const stop = async () => {
    stopped.abort(new Error("stopped"));
    await running;
  };
  onTestFinished(stop);
  return { time, state, readsAtMs, resumed, leaseCalls, poll, stop, wake: () => wake() };
}

test("starts after its delay, in a random phase, with intervals that vary by a tenth", async () => {
  const { time, readsAtMs } = setUp([0.25, 0, 1, 0.5]);
  await time.elapse(8_000);
  const phase = 5 + 0.25 * PAGE_MS;
  const times = [5, phase, phase + 0.9 * PAGE_MS, phase + 2 * PAGE_MS, phase + 3 * PAGE_MS];
  expect(readsAtMs.map(Math.round)).toEqual(times.map(Math.round));
});

test("never polls more often than the budget allows, and waits until the budget says", async () => {
  const { time, readsAtMs } = setUp([0]);
  await time.elapse(600_000);
  for (const [index, atMs] of readsAtMs.entries()) {
    expect((readsAtMs[index + 30] ?? Infinity) - atMs).toBeGreaterThan(60_999);
  }
  expect(readsAtMs.length).toBeGreaterThan(290);
});

test("retries after a random part of a delay that doubles, up to 15 s, and leaves out half of it at most", async () => {
  const { time, state, readsAtMs } = setUp([0]);
  state.isFailing = true;
  await time.elapse(60_000);
  const delays = readsAtMs.map((atMs, index) => atMs - (readsAtMs[index - 1] ?? 0)).slice(1, 7);
  expect(delays.map(Math.round)).toEqual([1_831, 2_034, 4_068, 7_500, 7_500, 7_500]);
  expect(state.moves.length).toBe(readsAtMs.length);
});

test("lets the next gateway poll when the poll moves, and goes on with the page read longest ago when it comes back", async () => {
  const { time, state, readsAtMs, resumed, leaseCalls, poll, wake } = setUp([0.5]);
  await time.elapse(5_000);
  expect([poll.isReading(), resumed]).toEqual([true, [1]]);
  state.isAssigned = false;
  await time.elapse(60_000);
  const count = readsAtMs.length;
  expect([poll.isReading(), leaseCalls.at(-1)]).toEqual([false, "release"]);
  expect([state.polling[0], state.polling.at(-1)]).toEqual([true, false]);
  await time.elapse(60_000);
  expect(readsAtMs.length).toBe(count);
  state.isAssigned = true;
  wake();
  await time.until(() => readsAtMs.length > count);
  expect(resumed).toEqual([1, 1]);
});

test("reads nothing while another gateway has the lease, and releases no lease of another", async () => {
  const { time, state, readsAtMs, leaseCalls, poll, stop } = setUp([0.5]);
  state.hasLease = false;
  await time.elapse(10_000);
  expect([readsAtMs, poll.isReading()]).toEqual([[], false]);
  await stop();
  expect(leaseCalls).not.toContain("release");
  expect(new Set(state.polling)).toEqual(new Set([false]));
});
