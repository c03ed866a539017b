/** Something that may happen in the chaos, as a command of fast-check: when it may, and what it does. */
import type fc from "fast-check";
import type { Model } from "./model.ts";
import type { RunContext } from "./run-context.ts";

export type ChaosCommand = fc.AsyncCommand<Model, RunContext>;

export interface CommandOptions {
  readonly name: string;
  /** Whether it can happen now. Always, where it is absent. */
  readonly canHappen?: (model: Readonly<Model>) => boolean;
  /** What it changes in the model. */
  readonly change?: (model: Model) => void;
  /** Does it. Resolves with false where there was nothing to do it to. */
  readonly happen: (world: RunContext) => Promise<unknown>;
  /** Whether it is something that goes wrong. It is, where this is absent. */
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
