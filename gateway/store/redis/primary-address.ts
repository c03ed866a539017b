import { StoreUnavailableError } from "../availability-store.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

/**
 * Returns the address of the Redis to connect to. Every new connection asks again, so that the next connection after a
 * failover leads to the new primary.
 *
 * @throws {StoreUnavailableError} if the primary is unknown.
 */
export async function findPrimaryAddress({ addresses }: RedisServerOptions): Promise<string> {
  const [address] = addresses;
  if (address === undefined) throw new StoreUnavailableError("There is no address of a Redis");
  return address;
}
