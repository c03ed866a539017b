/** Everything that may happen in the chaos, as fast-check's commands: when it may, and what it does. */
import fc from "fast-check";
import type { Model } from "./model.ts";
import type { Rudeness } from "./page/harness.ts";
import { type Ask, REQUEST_KINDS, SLOTS, type Slot } from "./page/report.ts";
import { BACKEND_MODES } from "./widget-site.ts";
import type { World } from "./world.ts";

export type ChaosCommand = fc.AsyncCommand<Model, World>;

interface CommandOptions {
  readonly name: string;
  /** Whether it can happen now. Always, where it is absent. */
  readonly canHappen?: (model: Readonly<Model>) => boolean;
  /** What it changes in the model. */
  readonly change?: (model: Model) => void;
  /** Does it. Resolves with false where there was nothing to do it to. */
  readonly happen: (world: World) => Promise<unknown>;
  /** Whether it is something that goes wrong. It is, where this is absent. */
  readonly isFault?: boolean;
}

function command({ name, canHappen, change, happen, isFault = true }: CommandOptions): ChaosCommand {
  return {
    toString: () => name,
    check: (model) => canHappen?.(model) ?? true,
    async run(model, world) {
      model.happened.push(name);
      change?.(model);
      const hasHappened = (await happen(world)) !== false;
      if (isFault && hasHappened) model.faults += 1;
    },
  };
}

const slot = fc.constantFrom(...SLOTS);

const ask: fc.Arbitrary<Ask> = fc.record({
  kind: fc.oneof({ weight: 5, arbitrary: fc.constant("known" as const) }, fc.constantFrom(...REQUEST_KINDS)),
  isNamed: fc.boolean(),
  // Most end within the run; some outlive every fault, and then have no deadline for an excuse.
  lifeMs: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 50, max: 900 }) }, fc.constant(20_000)),
  abortAfterMs: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.integer({ min: 0, max: 300 })),
});

const asks = fc.tuple(slot, fc.array(ask, { minLength: 1, maxLength: 6 })).map(([where, list]) =>
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

const pauses = fc
  .integer({ min: 1, max: 200 })
  .map((ms) => command({ name: `pause ${ms} ms`, happen: (world) => world.pause(ms), isFault: false }));

const waits = slot.map((where) =>
  command({ name: `${where}: wait for the widget`, happen: (world) => world.waitForWidget(where), isFault: false }),
);

/** Faults of one frame that leave everything as it was in the model. */
const FRAME_FAULTS = {
  "reloads itself": (world, where) => world.reload(where),
  "navigates itself away": (world, where) => world.leave(where),
  "src set anew": (world, where) => world.setSrc(where, "/widget/?again-"),
  "src set to another page": (world, where) => world.setSrc(where, "/elsewhere?"),
  moved: (world, where) => world.move("frame", where),
  removed: (world, where) => world.removeFrame(where),
  crashes: (world, where) => world.crash(where),
} satisfies Readonly<Record<string, (world: World, where: Slot) => Promise<unknown>>>;

const frameFaults = fc
  .tuple(slot, fc.constantFrom(...(Object.keys(FRAME_FAULTS) as (keyof typeof FRAME_FAULTS)[])))
  .map(([where, fault]) =>
    command({ name: `${where}: frame ${fault}`, happen: (world) => FRAME_FAULTS[fault](world, where) }),
  );

const hangs = fc
  .tuple(slot, fc.integer({ min: 100, max: 2_500 }))
  .map(([where, ms]) =>
    command({ name: `${where}: widget hangs for ${ms} ms`, happen: (world) => world.hang(where, ms) }),
  );

const backend = fc.constantFrom(...BACKEND_MODES).map((mode) =>
  command({
    name: `backend ${mode}`,
    canHappen: (model) => model.backend !== mode,
    change: (model) => {
      model.backend = mode;
    },
    happen: (world) => world.setBackend(mode),
  }),
);

/** A part of the world that is either in order or not. */
function switching(
  key: "isOnline" | "isServing" | "isVisible" | "isContainerIn",
  names: readonly [off: string, on: string],
  turn: (world: World, to: boolean) => Promise<void>,
): fc.Arbitrary<ChaosCommand> {
  return fc.boolean().map((to) =>
    command({
      name: names[to ? 1 : 0],
      canHappen: (model) => model[key] !== to,
      change: (model) => {
        model[key] = to;
      },
      happen: (world) => turn(world, to),
    }),
  );
}

const containerMoves = fc.constant(
  command({ name: "left: container moved", happen: (world) => world.move("container", "left") }),
);

const destroys = slot.map((where) =>
  command({
    name: `${where}: destroy()`,
    canHappen: (model) => model.connectors[where] === "alive",
    change: (model) => {
      model.connectors[where] = "destroyed";
    },
    happen: (world) => world.destroy(where),
  }),
);

const connects = slot.map((where) =>
  command({
    name: `${where}: connect() anew`,
    // A container that is out of the document is refused by `connect` itself.
    canHappen: (model) => model.connectors[where] === "destroyed" && (where === "right" || model.isContainerIn),
    change: (model) => {
      model.connectors[where] = "alive";
    },
    happen: (world) => world.connect(where),
  }),
);

const rudeListeners = fc.tuple(slot, fc.constantFrom<Rudeness>("throws", "asks", "destroys")).map(([where, rudeness]) =>
  command({
    name: `${where}: a listener that ${rudeness}`,
    canHappen: (model) => model.connectors[where] === "alive",
    change: (model) => {
      if (rudeness === "destroys") model.connectors[where] = "destroyed";
    },
    happen: (world) => world.listenRudely(where, rudeness),
  }),
);

/** What may happen, the likely things with more weight. A hang costs seconds and is rare. */
const anything = fc.oneof(
  { weight: 24, arbitrary: asks },
  { weight: 10, arbitrary: pauses },
  { weight: 10, arbitrary: waits },
  { weight: 12, arbitrary: frameFaults },
  { weight: 1, arbitrary: hangs },
  { weight: 8, arbitrary: backend },
  { weight: 3, arbitrary: switching("isOnline", ["offline", "online"], (world, to) => world.setOnline(to)) },
  {
    weight: 3,
    arbitrary: switching("isServing", ["server refuses", "server accepts"], (world, to) => world.setServing(to)),
  },
  {
    weight: 3,
    arbitrary: switching("isVisible", ["page hidden", "page visible"], (world, to) => world.setVisible(to)),
  },
  {
    weight: 3,
    arbitrary: switching("isContainerIn", ["container removed", "container put back"], (world, to) =>
      world.setContainerIn(to),
    ),
  },
  { weight: 1, arbitrary: containerMoves },
  { weight: 3, arbitrary: destroys },
  // Can happen only after `destroy()`, and should soon.
  { weight: 16, arbitrary: connects },
  { weight: 3, arbitrary: rudeListeners },
);

/** Lists of commands. */
export function chaosCommands(): fc.Arbitrary<Iterable<ChaosCommand>> {
  return fc.commands([anything], { maxCommands: 40, size: "max" });
}
