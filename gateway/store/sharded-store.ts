import { type AvailabilityStore, StoreUnavailableError } from "./availability-store.ts";
import { shardIndexOf } from "./redis/shards.ts";
import { createShardedGateways } from "./sharded-gateways.ts";

export interface ShardedStoreOptions {
  readonly shardCount: number;
  /** Opens the store of a shard. Called once for each shard with customers of this gateway. */
  readonly openShard: (index: number) => AvailabilityStore;
}

/**
 * Creates a store of independent shards, each with the data of some customers. The first customer opens a shard, so a
 * gateway follows only the changes of served shards. An outage of a shard affects only the shard's customers.
 */
export function createShardedStore({ shardCount, openShard }: ShardedStoreOptions): AvailabilityStore {
  const opened = new Map<number, AvailabilityStore>();

  function shardOf(customerId: string): AvailabilityStore {
    const index = shardIndexOf(customerId, shardCount);
    const shard = opened.get(index) ?? openShard(index);
    opened.set(index, shard);
    return shard;
  }

  return {
    forCustomer: (customerId) => shardOf(customerId).forCustomer(customerId),
    // Otherwise the outage of a single shard would take every gateway, and so every customer, out of service.
    isReady: () => opened.size === 0 || [...opened.values()].some((shard) => shard.isReady()),
    async whenReady(signal) {
      signal.throwIfAborted();
      await Promise.all([...opened.values()].map((shard) => shard.whenReady(signal)));
    },
    lease: (task, durationMs, options) => shardOf(options?.customerId ?? task).lease(task, durationMs, options),
    gateways: createShardedGateways(shardOf),
    async eraseUnserved() {
      const erased: string[] = [];
      for (let index = 0; index < shardCount; index += 1) {
        const served = opened.get(index);
        // A shard without served customers has outdated data as well.
        const shard = served ?? openShard(index);
        try {
          erased.push(...(await shard.eraseUnserved()));
        } catch (error) {
          // The next call erases the shard's data.
          if (!(error instanceof StoreUnavailableError)) throw error;
        } finally {
          if (!served) await shard.close();
        }
      }
      return erased;
    },
    replicaSize() {
      const sizes = Array.from(opened.values(), (shard) => shard.replicaSize());
      return {
        customers: sum(sizes, ({ customers }) => customers),
        agents: sum(sizes, ({ agents }) => agents),
        removedAgents: sum(sizes, ({ removedAgents }) => removedAgents),
      };
    },
    historySize() {
      const sizes = Array.from(opened.values(), (shard) => shard.historySize());
      return { entries: sum(sizes, ({ entries }) => entries), bytes: sum(sizes, ({ bytes }) => bytes) };
    },
    async close() {
      await Promise.all([...opened.values()].map((shard) => shard.close()));
    },
  };
}

function sum<Item>(items: readonly Item[], toNumber: (item: Item) => number): number {
  return items.reduce((total, item) => total + toNumber(item), 0);
}
