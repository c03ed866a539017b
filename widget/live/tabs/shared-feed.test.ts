import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { scaleRuns } from "../../../scripts/testing/property-runs.ts";
import { createTabWorld, PROOF, type TestTabView } from "./test-tab-world.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(AbortSignal, "timeout").mockImplementation((delayMs) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new DOMException("The signal timed out", "TimeoutError")), delayMs);
    return controller.signal;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Maximum time for the tabs of a browser to agree, in milliseconds. */
const AGREEMENT_MS = 60_000;

/** Users of a tab; `undefined` without a filter. */
const Users = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1 }), { nil: undefined });

const Step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("open" as const), users: Users }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("follow" as const), tab: fc.nat(9), users: Users }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("close", "crash", "sleep", "awake", "rejectToken", "checkConnection"),
      tab: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("killWorkers" as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("change" as const), userId: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("remove" as const), userId: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.constantFrom(1, 20, 300, 1_000, 8_000) }),
  },
);

/** The tab's versions of these users. */
function pick(versions: ReadonlyMap<number, number>, users: readonly number[] | undefined): Map<number, number> {
  return new Map([...versions].filter(([userId]) => !users || users.includes(userId)));
}

/** The users whose availability a tab's feed has reported, followed or not. */
function reportedUsers(tab: TestTabView): number[] {
  const users = tab.events.flatMap((event) => (event.type === "availability" ? [event.availability.userId] : []));
  return [...new Set(users)];
}

test("twenty tabs that open at once make one stream", async () => {
  const world = createTabWorld();
  world.change(1);
  const tabs = Array.from({ length: 20 }, () => world.open());
  await world.pass(2_000);
  world.change(2);
  await world.pass(100);
  for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
  expect(world.streamsOpened()).toBe(1);
});

test("a tab keeps an added user whom the end of an earlier snapshot, which is on its way from the worker, does not name", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2]) world.change(userId);
  const tab = world.open(undefined, new Set([1]));
  // The worker has sent the end of the snapshot of user 1, and the tab has not received it.
  await world.pass(12);
  expect(tab.events.some(({ type }) => type === "current")).toBe(false);
  tab.follow(new Set([1, 2]));
  // The response has come, and the stream with user 2 is being opened.
  await world.pass(8);
  expect(tab.events.map(({ type }) => type)).toContain("availability");
  expect(tab.versions).toEqual(world.versions());
  await world.pass(20);
  expect(tab.events.at(-1)?.type).toBe("heartbeat");
  expect(tab.versions).toEqual(world.versions());
});

test("a tab that joins another tab's users within a snapshot gets its end, and a sign of life, with the added users", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2]) world.change(userId);
  world.open(undefined, new Set([1, 2]));
  await world.pass(1_000);
  const tab = world.open(undefined, new Set([1]));
  // The snapshot is on its way from the worker.
  await world.pass(7);
  expect(tab.events).toEqual([]);
  tab.follow(new Set([1, 2]));
  await world.pass(20);
  expect(tab.versions).toEqual(world.versions());
  expect(tab.events.filter(({ type }) => type === "current" || type === "heartbeat")).toHaveLength(3);
  expect([tab.events.at(-1)?.type, world.streamsOpened()]).toEqual(["heartbeat", 1]);
});

test("a tab that follows other users ends with the gateway's latest state, in whatever order messages and changes arrive", async () => {
  const Delays = fc.infiniteStream(fc.integer({ min: 0, max: 100 }));
  const Changes = fc.array(
    fc.oneof(
      fc.record({ type: fc.constant("follow" as const), users: Users }),
      fc.record({ type: fc.constantFrom("change", "remove"), userId: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ type: fc.constant("pass" as const), ms: fc.constantFrom(1, 20, 300) }),
    ),
    { maxLength: 12 },
  );
  const property = fc.asyncProperty(Users, Changes, Delays, async (others, changes, delays) => {
    vi.clearAllTimers();
    const world = createTabWorld({ delayMs: () => delays.next().value ?? 0 });
    for (const userId of [1, 2, 3, 4]) world.change(userId);
    // Keeps the worker's stream, so that no snapshot corrects the tab.
    world.open(undefined, others && new Set(others));
    let users: number[] | undefined = [1];
    const tab = world.open(undefined, new Set(users));
    await world.pass(1_000);
    for (const change of changes) {
      if (change.type === "pass") await world.pass(change.ms);
      else if (change.type !== "follow") world[change.type](change.userId);
      else {
        users = change.users;
        tab.follow(users && new Set(users));
      }
    }
    await world.pass(1_000);
    expect(tab.versions).toEqual(pick(world.versions(), users));
  });
  await fc.assert(property, { numRuns: scaleRuns(100) });
});

test("tabs end with the gateway's latest state of their users over one stream, after any sequence of tab and worker faults", async () => {
  const Delays = fc.infiniteStream(fc.integer({ min: 0, max: 100 }));
  const property = fc.asyncProperty(fc.array(Step, { maxLength: 60, size: "max" }), Delays, async (steps, delays) => {
    vi.clearAllTimers();
    const world = createTabWorld({ delayMs: () => delays.next().value ?? 0 });
    const tabs: { readonly tab: TestTabView; users: number[] | undefined }[] = [];
    for (const step of steps) {
      if (step.type === "open") {
        const userIds = step.users && new Set(step.users);
        tabs.push({ tab: world.open(undefined, userIds), users: step.users });
      } else if (step.type === "change") world.change(step.userId);
      else if (step.type === "remove") world.remove(step.userId);
      else if (step.type === "pass") await world.pass(step.ms);
      else if (step.type === "killWorkers") world.killWorkers();
      else {
        const chosen = tabs[step.tab % tabs.length];
        if (step.type !== "follow") chosen?.tab[step.type]();
        else if (chosen) {
          chosen.users = step.users;
          chosen.tab.follow(step.users && new Set(step.users));
        }
      }
    }
    for (const { tab } of tabs) tab.awake();
    // A tab with a separate stream tries the worker again after 60 s.
    await world.pass(2 * AGREEMENT_MS);
    const present = tabs.filter(({ tab }) => tab.isPresent());
    for (const { tab, users } of present) expect(pick(tab.versions, users)).toEqual(pick(world.versions(), users));
    // Without tabs, the worker of a crashed tab keeps the stream.
    if (present.length > 0) expect(world.openStreams()).toBe(1);
    expect(world.openStreams()).toBeLessThanOrEqual(1);
    expect(present.some(({ tab }) => tab.hasOwnStream())).toBe(false);
  });
  await fc.assert(property, { numRuns: scaleRuns(100) });
});

describe.each(["throws", "fires error", "hangs"] as const)("when the browser's worker %s", (workers) => {
  test("a tab opens a separate stream within 5 s, and closes the stream", async () => {
    const world = createTabWorld({ workers });
    world.change(1);
    const tabs = [world.open(), world.open()];
    await world.pass(5_100);
    for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
    expect(world.openStreams()).toBe(2);
    await world.pass(120_000);
    expect(console.warn).toHaveBeenCalledTimes(2);
    for (const tab of tabs) tab.close();
    expect(world.openStreams()).toBe(0);
  });

  test("a hidden tab catches up after 15 s, and a visible tab keeps a stream", async () => {
    const world = createTabWorld({ workers });
    const hidden = world.open();
    hidden.hide(true);
    const visible = world.open();
    await world.pass(6_000);
    expect([hidden.hasOwnStream(), visible.hasOwnStream()]).toEqual([false, true]);
    world.change(1);
    await world.pass(16_000);
    expect(hidden.versions).toEqual(world.versions());
    expect(hidden.hasOwnStream()).toBe(false);
    expect(hidden.events.filter(({ type }) => type === "reset")).toHaveLength(1);
    hidden.hide(false);
    hidden.checkConnection();
    world.change(2);
    await world.pass(10);
    expect(hidden.versions).toEqual(world.versions());
    await world.pass(30_000);
    expect(hidden.hasOwnStream()).toBe(true);
  });
});

test("a worker that dies is replaced within 15 s", async () => {
  const world = createTabWorld();
  const tabs = [world.open(), world.open()];
  await world.pass(1_000);
  world.killWorkers();
  world.change(1);
  await world.pass(15_000);
  for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
  expect([world.openStreams(), world.streamsOpened()]).toEqual([1, 2]);
});

test("a tab opens a separate stream 20 s after the worker hangs, and returns to a worker that answers", async () => {
  const world = createTabWorld();
  const tabs = [world.open(), world.open()];
  await world.pass(1_000);
  world.setWorkers("hangs");
  world.change(1);
  await world.pass(20_000);
  for (const tab of tabs) expect([tab.hasOwnStream(), tab.versions]).toEqual([true, world.versions()]);
  world.setWorkers("opens");
  await world.pass(61_000);
  world.change(2);
  await world.pass(1_000);
  for (const tab of tabs) expect([tab.hasOwnStream(), tab.versions]).toEqual([false, world.versions()]);
  expect(world.openStreams()).toBe(1);
});

test("a tab that is shown again notices within 10 s that the worker hangs", async () => {
  const world = createTabWorld();
  const tab = world.open();
  await world.pass(9_000);
  world.setWorkers("hangs");
  world.change(1);
  tab.checkConnection();
  await world.pass(8_000);
  expect(tab.versions).toEqual(world.versions());
});

test("the worker streams the users of the tabs, and sends a tab events of followed users only", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2, 3]) world.change(userId);
  const one = world.open(undefined, new Set([1]));
  const two = world.open(undefined, new Set([2]));
  await world.pass(1_000);
  expect(world.streamedUsers()).toEqual([[1, 2]]);
  expect([reportedUsers(one), reportedUsers(two)]).toEqual([[1], [2]]);
  two.follow(new Set([2, 3]));
  await world.pass(1_000);
  expect(world.streamedUsers()).toEqual([[1, 2, 3]]);
  world.change(3);
  world.change(1);
  await world.pass(1_000);
  expect([reportedUsers(one), reportedUsers(two)]).toEqual([[1], [2, 3]]);
});

test("a tab with users known to the worker gets a snapshot at once, without another stream", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2]) world.change(userId);
  world.open(undefined, new Set([1, 2]));
  await world.pass(1_000);
  const later = world.open(undefined, new Set([2]));
  await world.pass(100);
  expect(later.events.map(({ type }) => type)).toEqual(["reset", "availability", "current", "heartbeat"]);
  later.follow(new Set([1, 2]));
  await world.pass(100);
  expect(later.versions).toEqual(world.versions());
  expect(world.streamsOpened()).toBe(1);
});

test("a tab hears of a removal that reaches the worker before the tab's message that it follows the user", async () => {
  let delayMs = 5;
  const world = createTabWorld({ delayMs: () => delayMs });
  for (const userId of [1, 2]) world.change(userId);
  world.open(undefined, new Set([1, 2]));
  const tab = world.open(undefined, new Set([1]));
  await world.pass(1_000);
  // The gateway answers the tab's request before the removal, and the message is slower than the worker's stream.
  delayMs = 50;
  tab.follow(new Set([1, 2]));
  delayMs = 5;
  world.remove(2);
  await world.pass(1_000);
  expect(tab.versions).toEqual(world.versions());
});

test("a tab with users unknown to the worker gets `current` only after the next stream's snapshot", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2]) world.change(userId);
  world.open(undefined, new Set([1]));
  await world.pass(1_000);
  const later = world.open(undefined, new Set([2]));
  await world.pass(1_000);
  expect(later.events.map(({ type }) => type)).toEqual(["reset", "reset", "availability", "current", "heartbeat"]);
});

test("a tab without a user filter makes the worker stream without a user filter", async () => {
  const world = createTabWorld();
  for (const userId of [1, 2]) world.change(userId);
  const one = world.open(undefined, new Set([1]));
  await world.pass(1_000);
  const all = world.open();
  await world.pass(1_000);
  expect(world.streamedUsers()).toEqual([undefined]);
  expect([reportedUsers(one), all.versions]).toEqual([[1], world.versions()]);
});

test("the next stream of the worker lacks the users of closed tabs", async () => {
  const world = createTabWorld();
  world.open(undefined, new Set([1]));
  const leaving = world.open(undefined, new Set([2]));
  await world.pass(1_000);
  leaving.close();
  world.open(undefined, new Set([3]));
  await world.pass(1_000);
  expect(world.streamedUsers()).toEqual([[1, 3]]);
});

test("the worker streams with a user filter again after the last tab without a filter has closed", async () => {
  const world = createTabWorld();
  const all = world.open();
  const one = world.open(undefined, new Set([1]));
  await world.pass(1_000);
  all.close();
  one.follow(new Set([1, 2]));
  await world.pass(1_000);
  expect(world.streamedUsers()).toEqual([[1, 2]]);
});

test("a reload of a page opens no stream", async () => {
  const world = createTabWorld();
  world.open(undefined, new Set([1]));
  const page = world.open(undefined, new Set([2]));
  await world.pass(1_000);
  const before = world.streamsOpened();
  page.close();
  world.open(undefined, new Set([2]));
  await world.pass(1_000);
  expect(world.streamsOpened()).toBe(before);
});

const refusal = Object.assign(new Error("The token has been refused"), { status: 401 });

test("neither sends nor receives messages before the backend has accepted the page's own token", async () => {
  const world = createTabWorld();
  world.change(1);
  const first = world.open();
  await world.pass(1_000);
  let resolveProof = (_proof: typeof PROOF): void => {};
  const second = world.open(() => new Promise((resolve) => (resolveProof = resolve)));
  world.change(2);
  await world.pass(20_000);
  expect(second.events).toEqual([]);
  resolveProof(PROOF);
  await world.pass(1_000);
  expect(second.versions).toEqual(world.versions());
  expect(first.versions).toEqual(world.versions());
  expect(world.streamsOpened()).toBe(1);
});

test("reports only the rejection to a page with a rejected token, whatever subject the token names", async () => {
  const world = createTabWorld();
  world.change(1);
  world.open();
  const forged = world.open(() => Promise.reject(refusal));
  await world.pass(20_000);
  expect(forged.events).toEqual([{ type: "unauthorized" }]);
});

test("does not share a stream between two agents", async () => {
  const world = createTabWorld();
  world.open();
  world.open(() => Promise.resolve({ ...PROOF, sharingKey: "subject 8" }));
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("does not share a stream by a token without a subject", async () => {
  const world = createTabWorld();
  const unnamed = () => Promise.resolve({ ...PROOF, sharingKey: undefined });
  world.open(unnamed);
  world.open(unnamed);
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("verifies the token again if the backend is unreachable", async () => {
  const world = createTabWorld();
  world.change(1);
  let attempts = 0;
  const tab = world.open(() => {
    attempts += 1;
    return attempts < 3 ? Promise.reject(new TypeError("Failed to fetch")) : Promise.resolve(PROOF);
  });
  await world.pass(10_000);
  expect(tab.versions).toEqual(world.versions());
});

test("obeys the backend's retry delay, however often the tab resumes", async () => {
  const world = createTabWorld();
  let proofs = 0;
  const tab = world.open(() => {
    proofs += 1;
    return Promise.reject(Object.assign(new Error("Too many"), { status: 429, retryAfterSeconds: 60 }));
  });
  await world.pass(0);
  for (let looks = 0; looks < 5; looks += 1) {
    tab.checkConnection();
    tab.sleep();
    tab.awake();
    await world.pass(10_000);
  }
  expect(proofs).toBe(1);
  await world.pass(12_000);
  expect(proofs).toBe(2);
});

test("verifies a token again within 8 s while the backend asks for a delay of 5 s", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  onTestFinished(() => void vi.restoreAllMocks());
  const world = createTabWorld();
  let proofs = 0;
  world.open(() => {
    proofs += 1;
    return Promise.reject(Object.assign(new Error("Away"), { status: 503, retryAfterSeconds: 5 }));
  });
  await world.pass(60_000);
  const before = proofs;
  await world.pass(8_001);
  expect(proofs).toBe(before + 1);
});

test("verifies at once when the tab resumes during a backoff", async () => {
  const world = createTabWorld({ delayMs: () => 100 });
  let proofs = 0;
  const tab = world.open(() => {
    proofs += 1;
    return Promise.reject(new TypeError("Failed to fetch"));
  });
  await world.pass(0);
  tab.checkConnection();
  await world.pass(0);
  expect(proofs).toBe(2);
});

describe("when the backend responds to a token with 403 or 404", () => {
  const denial = (status: number) => Object.assign(new Error("No"), { status });

  test("verifies again every five minutes after 403, even if the page resumes", async () => {
    const world = createTabWorld();
    let proofs = 0;
    const tab = world.open(() => {
      proofs += 1;
      return Promise.reject(denial(403));
    });
    for (let minutes = 0; minutes < 59; minutes += 1) {
      await world.pass(60_000);
      tab.checkConnection();
    }
    expect(proofs).toBe(12);
  });

  test("verifies again within 8 s after 404, which ends with a deployment", async () => {
    const world = createTabWorld();
    world.change(1);
    let isMissing = true;
    const tab = world.open(() => (isMissing ? Promise.reject(denial(404)) : Promise.resolve(PROOF)));
    await world.pass(60_000);
    isMissing = false;
    await world.pass(9_000);
    expect(tab.versions).toEqual(world.versions());
  });

  test.each([403, 404])(
    "receives no more events from other tabs until the token is accepted after %d",
    async (status) => {
      const world = createTabWorld();
      world.change(1);
      world.open();
      let isDenied = false;
      const tab = world.open(() =>
        isDenied ? Promise.reject(denial(status)) : Promise.resolve({ ...PROOF, refreshAt: world.now() + 5_000 }),
      );
      await world.pass(1_000);
      isDenied = true;
      await world.pass(5_000);
      world.change(2);
      await world.pass(60_000);
      expect([...tab.versions.keys()]).toEqual([1]);
      isDenied = false;
      await world.pass(300_000);
      expect(tab.versions).toEqual(world.versions());
    },
  );
});

test("aborts a token check without a response after 10 s, and starts another", async () => {
  const world = createTabWorld();
  world.change(1);
  const proofs: AbortSignal[] = [];
  const tab = world.open((signal) => {
    proofs.push(signal);
    if (proofs.length > 1) return Promise.resolve(PROOF);
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
  });
  await world.pass(9_999);
  expect([proofs.length, proofs[0]?.aborted]).toEqual([1, false]);
  await world.pass(3_000);
  expect([proofs.length, proofs[0]?.aborted]).toEqual([2, true]);
  expect(tab.versions).toEqual(world.versions());
});

test("verifies each tab's token again on expiry, and sends no more events to a tab with a rejected token", async () => {
  const world = createTabWorld();
  world.change(1);
  const first = world.open();
  await world.pass(1_000);
  const proofs = [Promise.resolve({ ...PROOF, refreshAt: world.now() + 5_000 }), Promise.reject(refusal)];
  proofs[1]?.catch(() => {});
  const second = world.open(() => proofs.shift() ?? Promise.reject(refusal));
  await world.pass(6_000);
  world.change(2);
  await world.pass(1_000);
  expect(first.versions).toEqual(world.versions());
  expect([...second.versions.keys()]).toEqual([1]);
  expect(second.events.at(-1)).toEqual({ type: "unauthorized" });
});

test("gives a tab that joins later the age of an availability", async () => {
  const world = createTabWorld({ delayMs: () => 5 });
  world.change(1);
  world.open();
  await world.pass(30_000);
  const later = world.open();
  await world.pass(1_000);
  const told = later.events.find((event) => event.type === "availability");
  expect(told?.ageMs).toBeGreaterThanOrEqual(29_000);
  expect(told?.ageMs).toBeLessThanOrEqual(31_000);
});

test("gives a tab the age of an availability by a clock that no correction of the machine's time moves", async () => {
  const world = createTabWorld({ delayMs: () => 5 });
  world.change(1);
  const tab = world.open();
  await world.pass(30_000);
  world.change(1);
  // Between the worker and the tab.
  await vi.advanceTimersByTimeAsync(7);
  vi.setSystemTime(Date.now() + 3_600_000);
  await world.pass(1_000);
  const later = world.open();
  await world.pass(1_000);
  const ages = [...tab.events, ...later.events].flatMap((event) =>
    event.type === "availability" ? [event.ageMs] : [],
  );
  expect(ages).toHaveLength(3);
  expect(Math.max(...ages)).toBeLessThanOrEqual(1_100);
});
