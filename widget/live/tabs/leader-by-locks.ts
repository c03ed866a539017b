/**
 * An election by Web Locks: whoever holds a lock leads, and the browser hands the lock on when a tab is closed or crashes.
 *
 * There are two locks. A tab that hangs keeps its lock, and its stream with it; another one then leads by the second lock.
 * Should that one hang as well, nobody can open a third stream. A lock is never taken from who holds it, since that would
 * not close the stream.
 */
import type { Election, OpenElection } from "./election.ts";

/** What is used of `navigator.locks`. */
export type Locks = Pick<LockManager, "query"> & {
  request(name: string, options: LockOptions, granted: (lock: unknown) => unknown): Promise<unknown>;
};

const SLOTS = [0, 1] as const;

/** Whether this document may use locks. Chromium has them, and refuses each, where it blocks the storage of third parties. */
export async function mayLock(locks: Locks, name: string): Promise<boolean> {
  try {
    await locks.request(`${name} probe`, { ifAvailable: true }, () => {});
    return true;
  } catch {
    return false;
  }
}

/** Creates an election by these locks. */
export function createLockElection(locks: Locks): OpenElection {
  return ({ name, onElected }): Election => {
    /** Locks that this tab waits for or holds, and how to let go of them. */
    const places = new Map<number, () => void>();
    const held = new Set<number>();
    let followed: number | undefined;
    let isReplacing = false;
    let leading: number | undefined;

    const lockName = (slot: number): string => `${name} ${slot}`;

    function enter(slot: number): void {
      if (places.has(slot)) return;
      const waiting = new AbortController();
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      const letGo = (): void => {
        waiting.abort();
        release();
      };
      places.set(slot, letGo);
      const isHere = (): boolean => places.get(slot) === letGo;
      locks
        .request(lockName(slot), { signal: waiting.signal }, async () => {
          if (!isHere()) return;
          held.add(slot);
          await consider(slot);
          await released;
        })
        // Whoever lets go of a lock that it waits for is told so by an error; a document that has gone, by another.
        .catch(() => {})
        .finally(() => isHere() && withdraw(slot));
    }

    function withdraw(slot: number): void {
      const letGo = places.get(slot);
      places.delete(slot);
      held.delete(slot);
      letGo?.();
    }

    function elect(slot: number): void {
      leading = slot;
      isReplacing = false;
      followed = undefined;
      for (const other of SLOTS) if (other !== slot) withdraw(other);
      onElected(slot);
    }

    /** What to do with a lock that was granted. */
    async function consider(slot: number): Promise<void> {
      // Whoever held it has gone.
      if (isReplacing || followed === slot) return elect(slot);
      const { held: taken = [] } = await locks.query();
      if (!held.has(slot) || leading !== undefined) return;
      // Who holds the other lock leads, or hangs: `replace` or `follow` says which.
      if (!taken.some((lock) => SLOTS.some((other) => other !== slot && lock.name === lockName(other)))) elect(slot);
    }

    return {
      stand() {
        if (followed === undefined) enter(0);
      },
      replace() {
        if (leading !== undefined) return;
        isReplacing = true;
        const [slot] = held;
        if (slot !== undefined) elect(slot);
        else for (const each of SLOTS) enter(each);
      },
      follow(slot) {
        followed = slot;
        isReplacing = false;
        for (const other of SLOTS) if (other !== slot) withdraw(other);
        if (slot !== undefined) enter(slot);
      },
      stepDown() {
        if (leading !== undefined) withdraw(leading);
        leading = undefined;
      },
      hear() {},
      leave() {
        for (const slot of SLOTS) withdraw(slot);
        leading = undefined;
      },
    };
  };
}
