/** Actions of the chaos's page: sends requests, waits, destroys, connects, listens. */
import fc from "fast-check";
import { command } from "./command.ts";
import type { Rudeness } from "./page/harness.ts";
import { type Ask, REQUEST_KINDS, SLOTS } from "./page/report.ts";

const slot = fc.constantFrom(...SLOTS);

const ask: fc.Arbitrary<Ask> = fc.record({
  kind: fc.oneof({ weight: 5, arbitrary: fc.constant("known" as const) }, fc.constantFrom(...REQUEST_KINDS)),
  isNamed: fc.boolean(),
  // Most requests end within the run. A few outlive every fault, so that no deadline excuses them.
  lifeMs: fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 50, max: 900 }) }, fc.constant(20_000)),
  abortAfterMs: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.integer({ min: 0, max: 300 })),
});

export const asks = fc.tuple(slot, fc.array(ask, { minLength: 1, maxLength: 6 })).map(([where, list]) =>
  command({
    name: `${where}: ask ${list.map(describe).join(", ")}`,
    happen: (world) => world.ask(where, list),
    isFault: false,
  }),
);

function describe({ kind, isNamed, lifeMs, abortAfterMs }: Ask): string {
  const abort = abortAfterMs === undefined ? "" : ` aborted after ${abortAfterMs}`;
  return `${isNamed ? "named " : ""}${kind} ${lifeMs} ms${abort}`;
}

export const pauses = fc
  .integer({ min: 1, max: 200 })
  .map((ms) => command({ name: `pause ${ms} ms`, happen: (world) => world.pause(ms), isFault: false }));

export const waits = slot.map((where) =>
  command({ name: `${where}: wait for the widget`, happen: (world) => world.waitForWidget(where), isFault: false }),
);

export const destroys = slot.map((where) =>
  command({
    name: `${where}: destroy()`,
    canHappen: (model) => model.connectors[where] === "alive",
    change: (model) => {
      model.connectors[where] = "destroyed";
    },
    happen: (world) => world.destroy(where),
  }),
);

export const connects = slot.map((where) =>
  command({
    name: `${where}: connect() anew`,
    canHappen: (model) => model.connectors[where] === "destroyed",
    change: (model) => {
      model.connectors[where] = "alive";
    },
    happen: (world) => world.connect(where),
  }),
);

export const rudeListeners = fc
  .tuple(slot, fc.constantFrom<Rudeness>("throws", "asks", "destroys"))
  .map(([where, rudeness]) =>
    command({
      name: `${where}: a listener that ${rudeness}`,
      canHappen: (model) => model.connectors[where] === "alive",
      change: (model) => {
        if (rudeness === "destroys") model.connectors[where] = "destroyed";
      },
      happen: (world) => world.listenRudely(where, rudeness),
    }),
  );
