import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTabWorld, type TestTabView } from "./test-tab-world.ts";

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
    await fc.assert(property, { numRuns: 200 });
  });
});
