import type { AvailabilityStore } from "../../store/availability-store.ts";
import type { TestTime } from "../../test/test-time.ts";

/** Leases shared by several gateways, each as a separate owner. */
export function createSharedLeases(time: TestTime): (owner: unknown) => Pick<AvailabilityStore, "lease"> {
  const leases = new Map<string, { readonly owner: unknown; readonly untilMs: number }>();
  const holderOf = (task: string): unknown => {
    const held = leases.get(task);
    return held && held.untilMs > time.nowMs() ? held.owner : undefined;
  };
  return (owner) => ({
    async lease(task, durationMs) {
      const holder = holderOf(task);
      if (holder !== undefined && holder !== owner) return false;
      leases.set(task, { owner, untilMs: time.nowMs() + durationMs });
      return true;
    },
  });
}
