import type { AvailabilityStore } from "../../store/availability-store.ts";
import type { ListSummary, PollPart } from "../../store/live-gateways.ts";
import type { TestTime } from "../../test/test-time.ts";

/** Part of a store that several gateways share, for one of them. */
type SharedPart = Pick<AvailabilityStore, "lease" | "gateways">;

/** Leases and live gateways of several gateways over the same store, each as a separate owner. */
export function createSharedLeases(time: TestTime, store: AvailabilityStore): (owner: unknown) => SharedPart {
  const leases = new Map<string, { readonly owner: unknown; readonly untilMs: number }>();
  const liveUntilMs = new Map<string, number>();
  const holderOf = (task: string): unknown => {
    const held = leases.get(task);
    return held && held.untilMs > time.nowMs() ? held.owner : undefined;
  };
  const findLive = () => [...liveUntilMs].filter(([, untilMs]) => untilMs > time.nowMs()).map(([id]) => id);
  return (owner) => ({
    async lease(task, durationMs) {
      const holder = holderOf(task);
      if (holder !== undefined && holder !== owner) return false;
      leases.set(task, { owner, untilMs: time.nowMs() + durationMs });
      return true;
    },
    gateways: {
      async announce({ customerIds, durationMs }) {
        liveUntilMs.set(String(owner), time.nowMs() + durationMs);
        const live = findLive();
        const lists = new Map<string, ListSummary>();
        for (const customerId of customerIds) lists.set(customerId, await summarize(store, customerId));
        const part: PollPart = {
          ownId: String(owner),
          membership: live.join(),
          listsId: "lists",
          gatewaysOf: () => live,
          listOf: (customerId) => lists.get(customerId),
        };
        return { partOf: () => part };
      },
      async withdraw() {
        liveUntilMs.delete(String(owner));
      },
    },
  });
}

async function summarize(store: AvailabilityStore, customerId: string): Promise<ListSummary> {
  const { startedMsByPage, ...state } = await store.forCustomer(customerId).loadListState();
  const pages = Array.from({ length: state.pageCount ?? 0 }, (_, index) => startedMsByPage.get(index + 1));
  const oldestMs = Math.min(...pages.map((startedMs) => startedMs ?? -Infinity));
  return { ...state, isLate: true, oldestMs: Number.isFinite(oldestMs) ? oldestMs : undefined };
}
