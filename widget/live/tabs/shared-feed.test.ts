import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { createTabWorld, PROOF, type TestTabView } from "./test-tab-world.ts";

/** How long the tabs of a browser take at the most to agree, in milliseconds. */
const AGREEMENT_MS = 60_000;

const Step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("open" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom("leave", "crash", "freeze", "thaw", "sleep", "awake", "refuse"),
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
])("where tabs elect by $means", ({ hasLocks }) => {
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

  test("whatever happens to tabs, each ends with the gateway's latest, over one stream and never more than two", async () => {
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
          // By messages alone nobody knows of a tab that has hung since before it came.
          if (step.type === "freeze" && !hasLocks) for (const tab of tabs) tab.thaw();
          tabs[step.tab % tabs.length]?.[step.type]();
        }
      }
      for (const tab of tabs) tab.thaw();
      for (const tab of tabs) tab.awake();
      await world.pass(AGREEMENT_MS);
      const present = tabs.filter((tab) => tab.isThere());
      for (const tab of present) expect(tab.versions).toEqual(world.versions());
      expect(world.openStreams()).toBe(Math.min(1, present.length));
      expect(world.mostStreams()).toBeLessThanOrEqual(2);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});

const refusal = Object.assign(new Error("The token has been refused"), { status: 401 });

test("neither hears nor tells anything before the backend has answered the page's own token", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  const first = world.open();
  await world.pass(1_000);
  let answer = (_proof: typeof PROOF): void => {};
  const second = world.open(() => new Promise((resolve) => (answer = resolve)));
  world.change(2);
  await world.pass(20_000);
  expect(second.events).toEqual([]);
  answer(PROOF);
  await world.pass(1_000);
  expect(second.versions).toEqual(world.versions());
  expect(first.versions).toEqual(world.versions());
  expect(world.streamsOpened()).toBe(1);
});

test("tells nothing to a page whose token is refused but that it is, whoever the token names", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  world.open();
  const forged = world.open(() => Promise.reject(refusal));
  await world.pass(20_000);
  expect(forged.events).toEqual([{ type: "refused" }]);
});

test("shares nothing between two sign-ins", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.open();
  world.open(() => Promise.resolve({ ...PROOF, sharedBy: "subject 8" }));
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("shares with nobody by a token that does not say whose it is", async () => {
  const world = createTabWorld({ hasLocks: true });
  const unnamed = () => Promise.resolve({ ...PROOF, sharedBy: undefined });
  world.open(unnamed);
  world.open(unnamed);
  await world.pass(10_000);
  expect(world.openStreams()).toBe(2);
});

test("has a stream of its own where the browser refuses the channel between tabs, and says so in the console", async () => {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const world = createTabWorld({ hasLocks: true, fails: "channels" });
  world.change(1);
  const tabs = [world.open(), world.open()];
  await world.pass(1_000);
  for (const tab of tabs) expect(tab.versions).toEqual(world.versions());
  expect([world.openStreams(), warned.mock.calls.length, world.defects]).toEqual([2, 2, []]);
  for (const tab of tabs) tab.leave();
  expect(world.openStreams()).toBe(0);
});

test("has a stream of its own where it fails to join the others for no known reason, and reports that", async () => {
  const world = createTabWorld({ hasLocks: true, fails: "ids" });
  world.change(1);
  const tab = world.open();
  await world.pass(1_000);
  expect(tab.versions).toEqual(world.versions());
  expect(world.defects).toEqual([new Error("There are no ids")]);
});

test("asks again where the backend cannot be reached", async () => {
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

test("asks no sooner than the backend wants, however often somebody looks at the tab or comes back to it", async () => {
  const world = createTabWorld({ hasLocks: true });
  let proofs = 0;
  const tab = world.open(() => {
    proofs += 1;
    return Promise.reject(Object.assign(new Error("Too many"), { status: 429, retryAfterSeconds: 60 }));
  });
  await world.pass(0);
  for (let looks = 0; looks < 5; looks += 1) {
    tab.look();
    tab.sleep();
    tab.awake();
    await world.pass(10_000);
  }
  expect(proofs).toBe(1);
  await world.pass(12_000);
  expect(proofs).toBe(2);
});

test("asks at once when somebody looks at a tab that waits of its own accord", async () => {
  const world = createTabWorld({ hasLocks: true, delayMs: () => 100 });
  let proofs = 0;
  const tab = world.open(() => {
    proofs += 1;
    return Promise.reject(new TypeError("Failed to fetch"));
  });
  await world.pass(0);
  tab.look();
  await world.pass(0);
  expect(proofs).toBe(2);
});

describe.each([403, 404])("where the backend answers a token by %d", (status) => {
  const denial = Object.assign(new Error("No"), { status });

  test("asks again every five minutes, whoever looks", async () => {
    const world = createTabWorld({ hasLocks: true });
    let proofs = 0;
    const tab = world.open(() => {
      proofs += 1;
      return Promise.reject(denial);
    });
    for (let minutes = 0; minutes < 59; minutes += 1) {
      await world.pass(60_000);
      tab.look();
    }
    expect(proofs).toBe(12);
  });

  test("is told nothing more by other tabs, and follows again once it may", async () => {
    const world = createTabWorld({ hasLocks: true });
    world.change(1);
    world.open();
    const proofs = [Promise.resolve({ ...PROOF, renewAt: world.now() + 5_000 }), Promise.reject(denial)];
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

test("gives up a proof that is not answered within 10 s, and tries another", async () => {
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

test("has each tab's own token proven anew when it ends, and tells it nothing more where it is refused", async () => {
  const world = createTabWorld({ hasLocks: true });
  world.change(1);
  const first = world.open();
  await world.pass(1_000);
  const proofs = [Promise.resolve({ ...PROOF, renewAt: world.now() + 5_000 }), Promise.reject(refusal)];
  proofs[1]?.catch(() => {});
  const second = world.open(() => proofs.shift() ?? Promise.reject(refusal));
  await world.pass(6_000);
  world.change(2);
  await world.pass(1_000);
  expect(first.versions).toEqual(world.versions());
  expect([...second.versions.keys()]).toEqual([1]);
  expect(second.events.at(-1)).toEqual({ type: "refused" });
});

test("resumes from the last cursor where the leader has gone, and tells no tab anything twice", async () => {
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

test("tells a tab that comes later how long ago an availability was made", async () => {
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
