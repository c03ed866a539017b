import { createHash } from "node:crypto";
import { FIRST_SHARD } from "./keys.ts";
import type { RedisMode } from "./redis-server-options.ts";

/**
 * Names of the shards in a Redis Cluster. The hash slots of the names lie in different sixteenths of all slots, with any key
 * prefix: the last characters of a hash tag change equal bits of the slot after every prefix. So masters with equal ranges
 * of slots, up to 16 masters, have equally many shards, give or take a shard.
 *
 * The number is fixed, since a customer's shard follows from the number: a different number would move nearly every
 * customer. The store can use so many masters, and each shard costs each gateway with customers there two connections.
 */
const CLUSTER_SHARDS = "00 01 02 03 20 21 22 23 40 41 42 43 60 61 62 63".split(" ");

/** Returns the names of a store's shards. Without a cluster all keys are at one node, and further shards bring no gain. */
export function shardNames(mode: RedisMode): readonly string[] {
  return mode === "cluster" ? CLUSTER_SHARDS : [FIRST_SHARD];
}

/** Returns the index of a customer's shard, equal at every gateway and in every release. */
export function shardIndexOf(customerId: string, shardCount: number): number {
  return createHash("sha256").update(customerId).digest().readUInt32BE(0) % shardCount;
}
