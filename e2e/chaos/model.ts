/** What is known of the world without looking at it: enough to tell which command can be given next. */
import type { Slot } from "./page/report.ts";
import type { BackendMode } from "./widget-site.ts";

export interface Model {
  readonly connectors: Record<Slot, "alive" | "destroyed">;
  backend: BackendMode;
  isOnline: boolean;
  isServing: boolean;
  isVisible: boolean;
  isContainerIn: boolean;
  /** What has been done so far. */
  readonly happened: string[];
  /** How many things have gone wrong so far. */
  faults: number;
}

/** A world in which everything works, and both connectors are there. */
export function createModel(): Model {
  return {
    connectors: { left: "alive", right: "alive" },
    backend: "answers",
    isOnline: true,
    isServing: true,
    isVisible: true,
    isContainerIn: true,
    happened: [],
    faults: 0,
  };
}
