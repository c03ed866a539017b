/** A note of all that was wrong with the world, and when. */
import type { Slot } from "./page/report.ts";
import type { BackendMode } from "./widget-site.ts";

/** What can be wrong with the world while a request is in flight. */
export type ConditionName =
  | `backend ${Exclude<BackendMode, "answers">}`
  | "offline"
  | "server refuses"
  | "frame removed"
  | "container out"
  | "destroyed";

/** Something that was wrong, and when: in milliseconds since 1970. */
export interface Condition {
  readonly name: ConditionName;
  /** Whose connector it concerns; both where it is absent. */
  readonly slot?: Slot | undefined;
  readonly from: number;
  /** Infinity where it has not ended. */
  readonly until: number;
}

export interface Conditions {
  readonly all: readonly Condition[];
  /** Notes that something goes wrong: before it does. */
  begin(name: ConditionName, slot?: Slot): void;
  /** Notes that something is in order again: after it is. Does nothing where it was. */
  end(name: ConditionName, slot?: Slot): void;
}

/** Starts a note of a world in which everything is in order. */
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
