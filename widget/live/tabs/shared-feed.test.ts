import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createTabWorld, PROOF, type TestTabView } from "./test-tab-world.ts";

/** Maximum time for the tabs of a browser to agree, in milliseconds. */
const AGREEMENT_MS = 60_000;

const Step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("open" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("close", "crash", "freeze", "thaw", "sleep", "awake", "rejectToken"),
      tab: fc.nat(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("change" as const), userId: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("remove" as const), userId: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("pass" as const), ms: fc.constantFrom(1, 20, 300, 1_000, 8_000) }),
  },
);

describe.each([
  { means: "locks", hasLocks: true },
  { means: "messages alone", hasLocks: false },
])("when tabs elect by $means", ({ hasLocks }) => {
  test("twenty tabs that open at once make one stream", async () => {
    const world = createTabWorld({ hasLocks });
    world.change(1);
    const tabs = Array.from({ length: 20 }, () => world.open());
    await world.pass(2_000);
    world.change(2);
    await world.pass(100);
    for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
    expect(world.streamsOpened()).toBe(1);
  });

  test("every tab ends with the gateway's latest state over one stream, and never over more than two", async () => {
    const Delays = fc.infiniteStream(fc.integer({ min: 0, max: 100 }));
    const property = fc.asyncProperty(fc.array(Step, { maxLength: 60, size: "max" }), Delays, async (steps, delays) => {
      const world = createTabWorld({ hasLocks, delayMs: () => delays.next().value ?? 0 });
      const tabs: TestTabView[] = [];
      for (const step of steps) {
        if (step.type === "open") tabs.push(world.open());
        else if (step.type === "change") world.change(step.userId);
        else if (step.type === "remove") world.remove(step.userId);
        else if (step.type === "pass") await world.pass(step.ms);
        else {
          // Without locks, a tab cannot detect another tab that hung before the first tab opened.
          if (step.type === "freeze" && !hasLocks) for (const tab of tabs) tab.thaw();
          tabs[step.tab % tabs.length]?.[step.type]();
        }
      }
      for (const tab of tabs) tab.thaw();
      for (const tab of tabs) tab.awake();
      await world.pass(AGREEMENT_MS);
      const present = tabs.filter((tab) => tab.isPresent());
      for (const tab of present) expect(tab.versions).toEqual(world.versions());
      expect(world.openStreams()).toBe(Math.min(1, present.length));
      expect(world.maxStreams()).toBeLessThanOrEqual(2);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});

const refusal = Object.assign(new Error("The token has been refused"), { status: 401 });

test("neither sends nor receives messages before the backend has accepted the page's own token", async () => {
  const world = createTabWorld({ hasLocks: true });
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
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  world.open();
  const forged = world.open(() => Promise.reject(refusal));
  await world.pass(20_000);
  expect(forged.events).toEqual([{ type: "unauthorized" }]);
});

test("does not share a stream between two agents", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.open();
  world.open(() => Promise.resolve({ ...PROOF, sharingKey: "subject 8" }));
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("does not share a stream by a token without a subject", async () => {
  const world = createTabWorld({ hasLocks: true });
  const unnamed = () => Promise.resolve({ ...PROOF, sharingKey: undefined });
  world.open(unnamed);
  world.open(unnamed);
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("opens a separate stream and logs a warning if the browser rejects the channel between tabs", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const world = createTabWorld({ hasLocks: true, fails: "channels" });
  world.change(1);
  const tabs = [world.open(), world.open()];
  await world.pass(1_000);
  for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
  expect([world.openStreams(), warned.mock.calls.length, world.defects]).toEqual([2, 2, []]);
  for (const tab of tabs) tab.close();
  expect(world.openStreams()).toBe(0);
});

test("opens a separate stream and reports the error if joining the other tabs fails unexpectedly", async () => {
  const world = createTabWorld({ hasLocks: true, fails: "ids" });
  world.change(1);
  const tab = world.open();
  await world.pass(1_000);
  expect(tab.versions).toEqual(world.versions());
  expect(world.defects).toEqual([new Error("There are no ids")]);
});

test("verifies the token again if the backend is unreachable", async () => {
  const world = createTabWorld({ hasLocks: true });
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
  const world = createTabWorld({ hasLocks: true });
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

test("verifies at once when the tab resumes during a backoff", async () => {
  const world = createTabWorld({ hasLocks: true, delayMs: () => 100 });
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

describe.each([403, 404])("when the backend responds to a token with %d", (status) => {
  const denial = Object.assign(new Error("No"), { status });

  test("verifies again every five minutes, even if the page resumes", async () => {
    const world = createTabWorld({ hasLocks: true });
    let proofs = 0;
    const tab = world.open(() => {
      proofs += 1;
      return Promise.reject(denial);
    });
    for (let minutes = 0; minutes < 59; minutes += 1) {
      await world.pass(60_000);
      tab.checkConnection();
    }
    expect(proofs).toBe(12);
  });

  test("receives no more events from other tabs until the token is accepted again", async () => {
    const world = createTabWorld({ hasLocks: true });
    world.change(1);
    world.open();
    const proofs = [Promise.resolve({ ...PROOF, refreshAt: world.now() + 5_000 }), Promise.reject(denial)];
    proofs[1]?.catch(() => {});
    const tab = world.open(() => proofs.shift() ?? Promise.resolve(PROOF));
    await world.pass(6_000);
    world.change(2);
    await world.pass(60_000);
    expect([...tab.versions.keys()]).toEqual([1]);
    await world.pass(300_000);
    expect(tab.versions).toEqual(world.versions());
  });
});

test("aborts a token check without a response after 10 s, and starts another", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  const proofs: AbortSignal[] = [];
  const tab = world.open((signal) => {
    proofs.push(signal);
    return proofs.length > 1 ? Promise.resolve(PROOF) : new Promise(() => {});
  });
  await world.pass(9_999);
  expect([proofs.length, proofs[0]?.aborted]).toEqual([1, false]);
  await world.pass(3_000);
  expect([proofs.length, proofs[0]?.aborted]).toEqual([2, true]);
  expect(tab.versions).toEqual(world.versions());
});

test("verifies each tab's token again on expiry, and sends no more events to a tab with a rejected token", async () => {
  const world = createTabWorld({ hasLocks: true });
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

test("resumes from the last cursor after the leader has gone, and delivers each event once", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  const leader = world.open();
  await world.pass(1_000);
  const followers = [world.open(), world.open()];
  await world.pass(1_000);
  leader.crash();
  world.change(2);
  await world.pass(10_000);
  for (const { events } of followers) {
    expect(events.map(({ type }) => type)).toEqual(["reset", "availability", "current", "availability"]);
  }
});

test("gives a tab that joins later the age of an availability", async () => {
  const world = createTabWorld({ hasLocks: true, delayMs: () => 5 });
  world.change(1);
  world.open();
  await world.pass(30_000);
  const later = world.open();
  await world.pass(1_000);
  const told = later.events.find((event) => event.type === "availability");
  expect(told?.ageMs).toBeGreaterThanOrEqual(29_000);
  expect(told?.ageMs).toBeLessThanOrEqual(31_000);
});
