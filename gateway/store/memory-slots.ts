import type { Clock } from "../clock.ts";
import type { RequestSlots, SlotShare } from "./request-slots.ts";
import type { ReadStart } from "./upstream-reads.ts";

/**
 * Creates slots in the memory of the process.
 *
 * @param startRead returns the time at which a read begins
 */
export function createMemorySlots(clock: Clock, startRead: () => ReadStart): RequestSlots {
  const shares = new Map<SlotShare, Map<string, number>>();
  let blockedUntilMs = -Infinity;

  /** Returns when each taken slot is free again, by the id of its request. */
  function findTaken(share: SlotShare): Map<string, number> {
    const taken = shares.get(share) ?? new Map<string, number>();
    shares.set(share, taken);
    for (const [id, freeAtMs] of taken) if (freeAtMs <= clock.monotonicMs()) taken.delete(id);
    return taken;
  }

  return {
    async take({ share, id, slots, durationMs }) {
      const nowMs = clock.monotonicMs();
      const taken = findTaken(share);
      const blockedMs = Math.max(0, blockedUntilMs - nowMs);
      const isTaken = blockedMs === 0 && (taken.has(id) || taken.size < slots);
      if (isTaken) taken.set(id, nowMs + durationMs);
      const excess = taken.size - slots;
      const times = [...taken.values()].sort((a, b) => a - b);
      const waitMs = excess < 0 ? 0 : (times[excess] ?? nowMs) - nowMs;
      const remaining = Math.max(0, -excess);
      return { isTaken, readAt: startRead(), waitMs: Math.max(waitMs, blockedMs), blockedMs, remaining };
    },
    async giveBack({ share, id }) {
      shares.get(share)?.delete(id);
    },
    async block(milliseconds) {
      blockedUntilMs = Math.max(blockedUntilMs, clock.monotonicMs() + milliseconds);
    },
  };
}
