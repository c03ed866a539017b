/** Events of the chaos as commands of fast-check, with a condition and an action. */
import type fc from "fast-check";
import type { Model } from "./model.ts";
import type { RunContext } from "./run-context.ts";

export type ChaosCommand = fc.AsyncCommand<Model, RunContext>;

export interface CommandOptions {
  readonly name: string;
  /** True if the command is possible now. Always possible if absent. */
  readonly canHappen?: (model: Readonly<Model>) => boolean;
  /** Updates the model. */
  readonly change?: (model: Model) => void;
  /** Runs the command. Resolves with false if there was no target. */
  readonly happen: (world: RunContext) => Promise<unknown>;
  /** True for a fault. True if absent. */
  readonly isFault?: boolean;
}

/** Creates a command. */
export function command({ name, canHappen, change, happen, isFault = true }: CommandOptions): ChaosCommand {
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
