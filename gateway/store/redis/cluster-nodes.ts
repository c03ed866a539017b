import type { ConnectionOptions as TlsOptions } from "node:tls";
import { createClient } from "@redis/client";
import { StoreUnavailableError } from "../availability-store.ts";
import { startTimeout } from "./abortable.ts";
import { describeRedisFault } from "./connection-advice.ts";
import { toClientOptions } from "./redis-client.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

export interface ClusterQuery {
  readonly server: RedisServerOptions;
  /** Key of the wanted node. */
  readonly key: string;
  /** Certificates for addresses with `rediss://`, as `readRedisTls` returns them. */
  readonly tls: TlsOptions;
  /** Time limit for a node's answer, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Returns the address of the master of the key's slot, as announced by a node of the cluster. Asks the nodes of the
 * settings in turn, in a random order: a node without contact to the cluster may name a former master, and the next
 * attempt begins with a random node again.
 *
 * The cluster client of `@redis/client` does not serve: the client repeats a command at the next master, but the store
 * promises not to make a write after reporting a failure. The client also hides the reasons of unreachable nodes.
 *
 * @throws {StoreUnavailableError} with each node's reason if no node names a master.
 */
export async function findSlotMaster(query: ClusterQuery): Promise<string> {
  const faults: string[] = [];
  for (const node of shuffle(query.server.addresses)) {
    try {
      return await askNode(node, query);
    } catch (error) {
      faults.push(`${new URL(node).host}: ${describeRedisFault(error)}`);
    }
  }
  throw new StoreUnavailableError(`No node of the Redis Cluster names the master: ${faults.join("; ")}`);
}

async function askNode(node: string, { key, tls, timeoutMs }: ClusterQuery): Promise<string> {
  const client = createClient(toClientOptions({ address: node, tls, timeoutMs }));
  client.on("error", () => {
    // The pending call rejects with the same error. Without a listener, the error would end the process.
  });
  let isLate = false;
  const cancelTimeout = startTimeout(timeoutMs, () => {
    isLate = true;
    client.destroy();
  });
  try {
    await client.connect();
    const [slot, ranges] = await Promise.all([client.clusterKeySlot(key), client.clusterSlots()]);
    const range = ranges.find(({ from, to }) => from <= slot && slot <= to);
    if (!range) throw new StoreUnavailableError(`no master serves the hash slot ${slot}`);
    return toMasterAddress(node, range.master);
  } catch (error) {
    throw isLate ? new StoreUnavailableError(`no reply within ${timeoutMs} ms`) : error;
  } finally {
    cancelTimeout();
    if (client.isOpen) client.destroy();
  }
}

/** Host in the reply of a node without a host name to announce. */
const NO_HOST_NAME = "?";

/**
 * Returns the master's address, with scheme, user and password of the asked node's address. A node without an announced
 * host is at the asked host.
 */
function toMasterAddress(
  node: string,
  { host, port }: { readonly host: string | null; readonly port: number },
): string {
  const url = new URL(node);
  if (host && host !== NO_HOST_NAME) url.hostname = host.includes(":") ? `[${host}]` : host;
  url.port = `${port}`;
  return url.href;
}

function shuffle<Item>(items: readonly Item[]): readonly Item[] {
  return items
    .map((item) => ({ item, rank: Math.random() }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ item }) => item);
}
