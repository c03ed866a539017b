/** Records the faults of the environment with their times. */
import type { Slot } from "./page/report.ts";
import type { BackendMode } from "./widget-site.ts";

/** Faults of the environment while a request is in flight. */
export type ConditionName =
  | `backend ${Exclude<BackendMode, "answers">}`
  | "offline"
  | "server refuses"
  | "frame removed"
  | "container out"
  | "destroyed";

/** A fault with its time, in milliseconds since 1970. */
export interface Condition {
  readonly name: ConditionName;
  /** The connector that the fault affects; both connectors if absent. */
  readonly slot?: Slot | undefined;
  readonly from: number;
  /** Infinity while the fault lasts. */
  readonly until: number;
}

export interface Conditions {
  readonly all: readonly Condition[];
  /** Records the start of a fault. Call before the fault. */
  begin(name: ConditionName, slot?: Slot): void;
  /** Records the end of a fault. Call after the repair. Without the fault, does nothing. */
  end(name: ConditionName, slot?: Slot): void;
}

/** Creates a record without faults. */
export function createConditions(): Conditions {
  const all: { -readonly [Key in keyof Condition]: Condition[Key] }[] = [];
  return {
    all,
    begin: (name, slot) => void all.push({ name, slot, from: Date.now(), until: Number.POSITIVE_INFINITY }),
    end(name, slot) {
      for (const condition of all) {
        const isOpen = condition.until === Number.POSITIVE_INFINITY;
        if (isOpen && condition.name === name && condition.slot === slot) condition.until = Date.now();
      }
    },
  };
}
