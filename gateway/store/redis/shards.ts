import { createHash } from "node:crypto";
import { FIRST_SHARD } from "./keys.ts";
import type { RedisMode } from "./redis-server-options.ts";

/**
 * Names of the shards in a Redis Cluster. Each name's hash slot is in another sixteenth of all slots, whatever the key
 * prefix is: the last characters of a hash tag change the slot by the same bits after every prefix. So the masters of a
 * cluster with up to 16 equal ranges of slots have equally many shards, give or take one.
 *
 * The number is fixed, since a customer's shard follows from it: another number would move nearly every customer. It is
 * the number of masters that the store can use, and each shard costs each gateway that serves it two connections.
 */
const CLUSTER_SHARDS = "00 01 02 03 20 21 22 23 40 41 42 43 60 61 62 63".split(" ");

/** Returns the names of a store's shards. A Redis that is no cluster has all keys at one node, and gains nothing from more. */
export function shardNames(mode: RedisMode): readonly string[] {
  return mode === "cluster" ? CLUSTER_SHARDS : [FIRST_SHARD];
}

/** Returns the index of a customer's shard, the same at every gateway and in every release. */
export function shardIndexOf(customerId: string, shardCount: number): number {
  return createHash("sha256").update(customerId).digest().readUInt32BE(0) % shardCount;
}
