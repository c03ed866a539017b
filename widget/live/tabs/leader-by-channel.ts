/**
 * An election by messages alone, for where the storage of third parties is blocked, and locks with it: a tab says that it
 * would lead, and does so unless another objects in time. Whoever leads objects, and so does whoever has wanted to for longer.
 */
import type { Election, OpenElection } from "./election.ts";
import type { TabClock } from "./tab-clock.ts";

/** How long others may take to object, in milliseconds. Between tabs a message takes a few. */
const OBJECTION_MS = 500;

/** By how much a timer may be late, in milliseconds, before it counts as one of a tab that was busy. */
const LATE_MS = 100;

/** Creates an election by messages. */
export function createChannelElection(clock: TabClock): OpenElection {
  return ({ id, post, onElected }): Election => {
    /** Since when this tab has claimed to lead. */
    let since: number | undefined;
    let callOff = (): void => {};

    function wait(delayMs: number, next: (lateMs: number) => void): void {
      callOff();
      callOff = clock.after(delayMs, next);
    }

    function claim(wasLate = false): void {
      since ??= clock.wallMs();
      post({ type: "claim", since });
      wait(OBJECTION_MS, (lateMs) => {
        // A tab that was busy or slept has not heard the objections yet; one that is hidden is always late.
        if (lateMs > LATE_MS && !wasLate) {
          claim(true);
          return;
        }
        since = undefined;
        onElected(undefined);
      });
    }

    function yieldTo(): void {
      since = undefined;
      // It may be gone before it leads.
      wait(3 * OBJECTION_MS, () => claim());
    }

    function rest(): void {
      since = undefined;
      callOff();
    }

    return {
      stand: () => claim(),
      replace: () => claim(),
      follow: rest,
      stepDown: rest,
      leave: rest,
      hear(message) {
        if (message.type !== "claim" || since === undefined) return;
        const isEarlier = message.since < since || (message.since === since && message.from < id);
        if (isEarlier) yieldTo();
        else post({ type: "claim", since });
      },
    };
  };
}
