import { StoreUnavailableError } from "../availability-store.ts";
import { findSlotMaster } from "./cluster-nodes.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

export interface AddressQuery {
  /** Key whose Redis to connect to. */
  readonly key: string;
  /** Time limit for the answer of a node of a cluster, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Returns the address of the Redis to connect to. Every new connection asks again, so that the next connection after a
 * failover leads to the new primary.
 *
 * @throws {StoreUnavailableError} if the primary is unknown.
 */
export async function findPrimaryAddress(server: RedisServerOptions, query: AddressQuery): Promise<string> {
  if (server.mode === "cluster") return findSlotMaster({ ...query, server });
  const [address] = server.addresses;
  if (address === undefined) throw new StoreUnavailableError("There is no address of a Redis");
  return address;
}
