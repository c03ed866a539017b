import { StoreUnavailableError } from "../availability-store.ts";
import { whenAborted } from "./abortable.ts";
import { findSlotMaster } from "./cluster-nodes.ts";
import { type ConnectionOptions, openConnectionAt, type RedisConnection } from "./connection.ts";
import { type ClientTarget, readRedisTls } from "./redis-client.ts";
import { openSentinels, PrimaryReplacedError, type Sentinels } from "./sentinel.ts";

/** Options that all clients of a connection have in common. */
type Target = Omit<ClientTarget, "address">;

/**
 * Opens both connections to Redis: in mode `sentinel` to the primary that the Sentinels name at this moment, and in mode
 * `cluster` to the master of the shard, so that the next connection after a failover leads to the new one.
 *
 * @throws {StoreUnavailableError} if Redis is unreachable, does not reply in time or rejects the credentials, and in mode
 * `sentinel` also if no Sentinel names a Redis that is a primary.
 */
export async function openConnection(options: ConnectionOptions): Promise<RedisConnection> {
  const { server, timeoutMs } = options;
  const target = { tls: await readRedisTls(server), timeoutMs };
  if (server.mode === "sentinel") return openBySentinels(target, options);
  if (server.mode === "cluster") {
    const address = await findSlotMaster({ ...target, server, key: options.keys.store });
    return openConnectionAt({ ...target, address }, options);
  }
  return openConnectionAt({ ...target, address: server.addresses[0] ?? "" }, options);
}

async function openBySentinels(target: Target, options: ConnectionOptions): Promise<RedisConnection> {
  const sentinels = openSentinels({ ...target, server: options.server });
  try {
    const connection = await openAtPrimary(sentinels, target, options);
    void whenAborted(connection.signal).then(sentinels.close);
    return connection;
  } catch (error) {
    sentinels.close();
    throw error;
  }
}

/** Opens both connections to the first Redis that the Sentinels name and that is a primary. */
async function openAtPrimary(
  sentinels: Sentinels,
  target: Target,
  options: ConnectionOptions,
): Promise<RedisConnection> {
  const errors: StoreUnavailableError[] = [];
  for await (const address of sentinels.primaries()) {
    try {
      const connection = await openConnectionAt({ ...target, address }, options);
      // What the former primary would still accept is lost once it becomes a replica.
      sentinels.whenReplaced(address, () => connection.close(new PrimaryReplacedError()));
      return connection;
    } catch (error) {
      const { host } = new URL(address);
      const message = error instanceof Error ? error.message : String(error);
      errors.push(new StoreUnavailableError(`The Sentinels name ${host} as the primary. ${message}`, { cause: error }));
    }
  }
  throw errors[0] ?? new StoreUnavailableError("No Sentinel names a primary");
}
