/** Types of a run's records: changes at the gateway, faults, and the displays of each observer. */

/** The two tabs of a run. */
export const TABS = ["first", "second"] as const;
export type Tab = (typeof TABS)[number];

/** Display of an observer from a time on. */
export interface Sight {
  /** Milliseconds since 1970, as every time of a report. */
  readonly at: number;
  /** Status of the watch, or the badge's `data-state` with its `data-reason`; empty before the first status. */
  readonly shown: string;
  /** Version of a listener's latest availability; absent for a badge. */
  readonly version?: number | undefined;
  /** True if the observer marks the display as possibly outdated. */
  readonly isStale: boolean;
  readonly isCallable: boolean;
}

/** A listener of `connector.watch`, or a badge. */
export interface Observer {
  readonly name: string;
  readonly kind: "listener" | "badge";
  readonly tab: Tab;
  readonly userId: number;
  readonly startedAt: number;
  /** Infinity while the observer watches. */
  readonly endedAt: number;
  readonly sights: readonly Sight[];
}

/** A change of an agent at the gateway. */
export interface Change {
  readonly at: number;
  readonly userId: number;
  /** Absent if the agent was removed. */
  readonly version?: number | undefined;
  /** Display of a badge after the change: state and reason. Absent if the agent was removed. */
  readonly word?: string | undefined;
}

/** A fault, or a moment after which an observer needs time to be right. */
export interface Fault {
  readonly name: string;
  /** Affected tab; both tabs if absent. */
  readonly tab?: Tab | undefined;
  readonly from: number;
  /** Infinity while the fault lasts. */
  readonly until: number;
  /** True for a hidden tab, whose observers need not be right meanwhile. */
  readonly isUnseen?: boolean | undefined;
}

/** All records of a run. */
export interface Observations {
  readonly observers: readonly Observer[];
  readonly changes: readonly Change[];
  readonly faults: readonly Fault[];
  /** Time of the last look. */
  readonly endedAt: number;
}
