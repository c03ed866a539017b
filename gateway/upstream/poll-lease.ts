/** Settles which gateway of several polls an upstream, and tells the others whether it succeeds. */
export interface PollLease {
  /** Whether it is this gateway's turn. */
  take(): Promise<boolean>;
  /** Tells the other gateways that the store is current. */
  confirm(): Promise<void>;
  /** Tells the other gateways that it may not be, and keeps all of them from asking for so long; 0: another may try at once. */
  giveUp(pauseMs: number): Promise<void>;
  /** Whether another gateway keeps the store current. */
  isConfirmedElsewhere(): Promise<boolean>;
}

/** As good as at once: a store may not know of no time at all. */
const AT_ONCE_MS = 1;

/**
 * @param lease takes on one of a customer's tasks for so many milliseconds, as the store's `lease` does
 * @param durationMs how long a gateway that no longer says anything is waited for
 */
export function createPollLease(
  lease: (task: string, durationMs: number) => Promise<boolean>,
  durationMs: number,
): PollLease {
  return {
    take: () => lease("poll", durationMs),
    async confirm() {
      await lease("current", durationMs);
    },
    async giveUp(pauseMs) {
      await lease("current", AT_ONCE_MS);
      await lease("poll", Math.max(pauseMs, AT_ONCE_MS));
    },
    // Whoever can have this task learns by it that nobody else has it.
    isConfirmedElsewhere: async () => !(await lease("current", AT_ONCE_MS)),
  };
}
