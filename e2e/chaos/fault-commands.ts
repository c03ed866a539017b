/** Faults around the connectors of the chaos: frames, the widget's server, the backend, the network, the page. */
import fc from "fast-check";
import { type ChaosCommand, command } from "./command.ts";
import { SLOTS, type Slot } from "./page/report.ts";
import type { RunContext } from "./run-context.ts";
import { BACKEND_MODES } from "./widget-site.ts";

const slot = fc.constantFrom(...SLOTS);

/** Faults of a frame that do not change the model. */
const FRAME_FAULTS = {
  "reloads itself": (world, where) => world.reload(where),
  "navigates itself away": (world, where) => world.leave(where),
  "src set anew": (world, where) => world.setSrc(where, "/widget/?again-"),
  "src set to another page": (world, where) => world.setSrc(where, "/elsewhere?"),
  moved: (world, where) => world.move("frame", where),
  removed: (world, where) => world.removeFrame(where),
} satisfies Readonly<Record<string, (world: RunContext, where: Slot) => Promise<unknown>>>;

export const frameFaults = fc
  .tuple(slot, fc.constantFrom(...(Object.keys(FRAME_FAULTS) as (keyof typeof FRAME_FAULTS)[])))
  .map(([where, fault]) =>
    command({ name: `${where}: frame ${fault}`, happen: (world) => FRAME_FAULTS[fault](world, where) }),
  );

export const crashes = slot.map((where) =>
  command({ name: `${where}: widget crashes`, happen: (world) => world.crash(where) }),
);

export const hangs = fc
  .tuple(slot, fc.integer({ min: 100, max: 2_500 }))
  .map(([where, ms]) =>
    command({ name: `${where}: widget hangs for ${ms} ms`, happen: (world) => world.hang(where, ms) }),
  );

/** A backend that delays its responses keeps requests in flight while other commands run. */
const modes = fc.oneof(fc.constant("holds" as const), { weight: 2, arbitrary: fc.constantFrom(...BACKEND_MODES) });

export const backend = modes.map((mode) =>
  command({
    name: `backend ${mode}`,
    canHappen: (model) => model.backend !== mode,
    change: (model) => {
      model.backend = mode;
    },
    happen: (world) => world.setBackend(mode),
  }),
);

/** A part of the environment that is either working or broken. */
export function switching(
  key: "isOnline" | "isServing" | "isVisible" | "isContainerIn",
  names: readonly [off: string, on: string],
  turn: (world: RunContext, to: boolean) => Promise<void>,
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

export const containerMoves = fc.constant(
  command({ name: "left: container moved", happen: (world) => world.move("container", "left") }),
);
