/** Predicted state of the environment, enough to choose the next possible command. */
import type { Slot } from "./page/report.ts";
import type { BackendMode } from "./widget-site.ts";

export interface Model {
  readonly connectors: Record<Slot, "alive" | "destroyed">;
  backend: BackendMode;
  isOnline: boolean;
  isServing: boolean;
  isVisible: boolean;
  isContainerIn: boolean;
  /** The commands so far. */
  readonly happened: string[];
  /** Number of faults so far. */
  faults: number;
}

/** Creates a model without faults, with both connectors alive. */
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
