/** The commands of the chaos, with their weights. */
import fc from "fast-check";
import type { ChaosCommand } from "./command.ts";
import { backend, containerMoves, crashes, frameFaults, hangs, switching } from "./fault-commands.ts";
import { asks, connects, destroys, pauses, rudeListeners, waits } from "./page-commands.ts";

/** Commands with their weights. A hang costs seconds and is rare. */
const anything = fc.oneof(
  { weight: 24, arbitrary: asks },
  { weight: 10, arbitrary: pauses },
  { weight: 10, arbitrary: waits },
  { weight: 20, arbitrary: frameFaults },
  { weight: 4, arbitrary: crashes },
  { weight: 2, arbitrary: hangs },
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
  { weight: 2, arbitrary: destroys },
  // Possible only after `destroy()`, and should follow soon.
  { weight: 16, arbitrary: connects },
  { weight: 2, arbitrary: rudeListeners },
);

/** Generates lists of commands. */
export function chaosCommands(): fc.Arbitrary<Iterable<ChaosCommand>> {
  return fc.commands([anything], { maxCommands: 40, size: "max" });
}
