/**
 * Elects a leader by Web Locks: the holder of a lock leads, and the browser passes the lock on when a tab closes or
 * crashes.
 *
 * There are two locks. A hanging tab keeps its lock and its stream, and another tab then leads by the second lock. If
 * the second tab hangs too, no tab can open a third stream. A lock is never stolen from the holder, because stealing
 * would not close the stream.
 */
import type { LeaderElection, OpenLeaderElection } from "./leader-election.ts";

/** The parts of `navigator.locks` in use. */
export type Locks = Pick<LockManager, "query"> & {
  request(name: string, options: LockOptions, granted: (lock: unknown) => unknown): Promise<unknown>;
};

const SLOTS = [0, 1] as const;

/** True if this document can use locks. Chromium rejects every lock request if third-party storage is blocked. */
export async function canUseLocks(locks: Locks, name: string): Promise<boolean> {
  try {
    await locks.request(`${name} probe`, { ifAvailable: true }, () => {});
    return true;
  } catch {
    return false;
  }
}

/** Creates an election by these locks. */
export function createWebLocksElection(locks: Locks): OpenLeaderElection {
  return ({ name, onElected }): LeaderElection => {
    /** Pending and held locks, each with the function to release it. */
    const lockRequests = new Map<number, () => void>();
    const heldLocks = new Set<number>();
    let leaderSlot: number | undefined;
    let isTakingOver = false;
    let ownSlot: number | undefined;

    const lockName = (slot: number): string => `${name} ${slot}`;

    function requestLock(slot: number): void {
      if (lockRequests.has(slot)) return;
      const abortController = new AbortController();
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const cancelRequest = (): void => {
        abortController.abort();
        release();
      };
      lockRequests.set(slot, cancelRequest);
      const isCurrent = (): boolean => lockRequests.get(slot) === cancelRequest;
      locks
        .request(lockName(slot), { signal: abortController.signal }, async () => {
          if (!isCurrent()) return;
          heldLocks.add(slot);
          await onLockGranted(slot);
          await released;
        })
        // Cancelling a pending request rejects the promise, and so does closing the document.
        .catch(() => {})
        .finally(() => isCurrent() && releaseLock(slot));
    }

    function releaseLock(slot: number): void {
      const cancelRequest = lockRequests.get(slot);
      lockRequests.delete(slot);
      heldLocks.delete(slot);
      cancelRequest?.();
    }

    function elect(slot: number): void {
      ownSlot = slot;
      isTakingOver = false;
      leaderSlot = undefined;
      for (const other of SLOTS) if (other !== slot) releaseLock(other);
      onElected(slot);
    }

    /** Handles a granted lock. */
    async function onLockGranted(slot: number): Promise<void> {
      // The previous holder has gone.
      if (isTakingOver || leaderSlot === slot) return elect(slot);
      const { held: grantedLocks = [] } = await locks.query();
      if (!heldLocks.has(slot) || ownSlot !== undefined) return;
      // The holder of the other lock leads or hangs: `takeOver` or `acceptLeader` decides.
      if (!grantedLocks.some((lock) => SLOTS.some((other) => other !== slot && lock.name === lockName(other))))
        elect(slot);
    }

    return {
      requestLeadership() {
        if (leaderSlot === undefined) requestLock(0);
      },
      takeOver() {
        if (ownSlot !== undefined) return;
        isTakingOver = true;
        const [slot] = heldLocks;
        if (slot !== undefined) elect(slot);
        else for (const each of SLOTS) requestLock(each);
      },
      acceptLeader(slot) {
        leaderSlot = slot;
        isTakingOver = false;
        for (const other of SLOTS) if (other !== slot) releaseLock(other);
        if (slot !== undefined) requestLock(slot);
      },
      stepDown() {
        if (ownSlot !== undefined) releaseLock(ownSlot);
        ownSlot = undefined;
      },
      handleMessage() {},
      close() {
        for (const slot of SLOTS) releaseLock(slot);
        ownSlot = undefined;
      },
    };
  };
}
