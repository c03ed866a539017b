import { type AvailabilityStore, StoreUnavailableError } from "./availability-store.ts";
import type { LiveGateways, SharedPolls } from "./live-gateways.ts";

/**
 * Creates the live gateways of a store of shards. The gateway announces itself to each shard with the shard's customers, so
 * that the polls of each shard are divided among the gateways that serve the shard.
 *
 * @param shardOf returns a customer's shard
 */
export function createShardedGateways(shardOf: (customerId: string) => AvailabilityStore): LiveGateways {
  /** Kept, because a shard expects the same array as long as its customers are the same. */
  let grouped: { readonly from: readonly string[]; readonly byShard: Groups } | undefined;
  const announced = new Set<AvailabilityStore>();

  return {
    async announce({ customerIds, listedCustomerIds, durationMs }) {
      if (grouped?.from !== customerIds) grouped = { from: customerIds, byShard: groupBy(customerIds, shardOf) };
      const listed = groupBy(listedCustomerIds, shardOf);
      const polls = new Map<AvailabilityStore, SharedPolls>();
      const announceTo = async (shard: AvailabilityStore, ids: readonly string[]) => {
        announced.add(shard);
        const announcement = { customerIds: ids, listedCustomerIds: listed.get(shard) ?? [], durationMs };
        polls.set(shard, await shard.gateways.announce(announcement));
      };
      await Promise.all(Array.from(grouped.byShard, ([shard, ids]) => announceTo(shard, ids).catch(ignoreUnavailable)));
      return { partOf: (customerId) => polls.get(shardOf(customerId))?.partOf(customerId) };
    },
    async withdraw() {
      await Promise.all([...announced].map(({ gateways }) => gateways.withdraw().catch(ignoreUnavailable)));
      announced.clear();
    },
  };
}

type Groups = ReadonlyMap<AvailabilityStore, readonly string[]>;

function groupBy(customerIds: readonly string[], shardOf: (customerId: string) => AvailabilityStore): Groups {
  const groups = new Map<AvailabilityStore, string[]>();
  for (const customerId of customerIds) {
    const shard = shardOf(customerId);
    const group = groups.get(shard) ?? [];
    group.push(customerId);
    groups.set(shard, group);
  }
  return groups;
}

/** The other shards go on while one cannot be reached. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StoreUnavailableError)) throw error;
}
