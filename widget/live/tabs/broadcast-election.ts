/**
 * Elects a leader over BroadcastChannel, for browsers that block Web Locks in third-party iframes. A tab posts a claim
 * and leads after 500 ms unless the current leader, or a tab with an earlier claim, objects.
 */
import type { LeaderElection, OpenLeaderElection } from "./leader-election.ts";
import type { TabClock } from "./tab-clock.ts";

/** Time for objections, in milliseconds. A message between tabs takes a few milliseconds. */
const CLAIM_TIMEOUT_MS = 500;

/** Delay of a timer, in milliseconds, above which the tab counts as busy. */
const MAX_TIMER_DRIFT_MS = 100;

/** Creates an election by messages. */
export function createBroadcastElection(clock: TabClock): OpenLeaderElection {
  return ({ id, post, onElected }): LeaderElection => {
    /** The time of this tab's claim to leadership. */
    let claimedAt: number | undefined;
    let cancelTimer = (): void => {};

    function setTimer(delayMs: number, next: (lateMs: number) => void): void {
      cancelTimer();
      cancelTimer = clock.setTimer(delayMs, next);
    }

    function claim(wasLate = false): void {
      claimedAt ??= clock.epochMs();
      post({ type: "claim", since: claimedAt });
      setTimer(CLAIM_TIMEOUT_MS, (lateMs) => {
        // A busy or frozen tab has not received the objections yet. A hidden tab is always late, so claim again only
        // once.
        if (lateMs > MAX_TIMER_DRIFT_MS && !wasLate) {
          claim(true);
          return;
        }
        claimedAt = undefined;
        onElected(undefined);
      });
    }

    function defer(): void {
      claimedAt = undefined;
      // The other tab may close before leading.
      setTimer(3 * CLAIM_TIMEOUT_MS, () => claim());
    }

    function reset(): void {
      claimedAt = undefined;
      cancelTimer();
    }

    return {
      requestLeadership: () => claim(),
      takeOver: () => claim(),
      acceptLeader: reset,
      stepDown: reset,
      close: reset,
      handleMessage(message) {
        if (message.type !== "claim" || claimedAt === undefined) return;
        const isEarlier = message.since < claimedAt || (message.since === claimedAt && message.from < id);
        if (isEarlier) defer();
        else post({ type: "claim", since: claimedAt });
      },
    };
  };
}
