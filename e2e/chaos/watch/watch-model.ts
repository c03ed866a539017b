/** Predicted state of a run with watches, enough to choose the next possible command. */
import type { Status } from "../../../gateway/store/agent.ts";
import type { TokenMode } from "../page/watch-harness.ts";
import { type Observer, TABS, type Tab } from "./observations.ts";
import type { Part, PartMode } from "./watched-site.ts";

/** Agents of a run. The last does not exist at first. */
export const USER_IDS = [1, 2, 3] as const;

/** A listener or badge of a command. */
export interface Added {
  readonly kind: Observer["kind"];
  readonly tab: Tab;
  readonly count: number;
}

export interface WatchModel {
  /** Status of each agent; absent for a removed agent. */
  readonly statuses: Map<number, Status>;
  readonly modes: Map<Part, PartMode>;
  readonly openTabs: Set<Tab>;
  readonly hiddenTabs: Set<Tab>;
  readonly tabsWithoutContainer: Set<Tab>;
  readonly tokenModes: Map<Tab, TokenMode>;
  isOnline: boolean;
  isServing: boolean;
  isAccepting: boolean;
  added: Added[];
  /** Number of observers so far. */
  observerCount: number;
  /** The commands so far. */
  readonly happened: string[];
}

/** Creates a model without faults, with both tabs open. */
export function createWatchModel(): WatchModel {
  return {
    statuses: new Map([
      [1, "available"],
      [2, "in_call"],
    ]),
    modes: new Map(),
    openTabs: new Set(TABS),
    hiddenTabs: new Set(),
    tabsWithoutContainer: new Set(),
    tokenModes: new Map(),
    isOnline: true,
    isServing: true,
    isAccepting: true,
    added: [],
    observerCount: 0,
    happened: [],
  };
}
