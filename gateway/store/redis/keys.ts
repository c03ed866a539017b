/**
 * Keys of a shard of the store in Redis. Every key begins with the shard's name in braces, the hash tag: a Redis Cluster
 * keeps all keys of a shard at a single node, so a script can use several keys. A customer's id contains no colon, so no
 * two keys collide.
 */
export interface StoreKeys {
  /** Hash: the epoch, the number of changes, and the lowest version that a new change may have. */
  readonly store: string;
  /** Hash: for each customer, the time at which a gateway last served it. */
  readonly served: string;
  /** Stream: the latest changes of all customers of the shard, with ids of the form `<position>-0`. */
  readonly changes: string;
  /** Hash of an agent. A removed agent keeps the hash, so that versions continue. */
  agent(customerId: string, userId: number | string): string;
  /** Set: the user ids of the customer's present and former agents. */
  members(customerId: string): string;
  /**
   * Hash: when the last read of each page of the upstream's list began, the number of pages, and a mark while it fails.
   */
  list(customerId: string): string;
  /**
   * String: the version up to which agents of the customer were erased. Gateways that were away do not give them back.
   * Expires.
   */
  erased(customerId: string): string;
  /** String: the gateway that has the lease of a task. */
  lease(task: string): string;
}

/** Name of the only shard of a store without a cluster, and of the first shard in a cluster. */
export const FIRST_SHARD = "00";

/** Returns the keys of a shard. The prefix contains no braces. */
export function createStoreKeys(prefix: string, shard: string = FIRST_SHARD): StoreKeys {
  const tag = `{${prefix}:${shard}}`;
  return {
    store: `${tag}:store`,
    served: `${tag}:served`,
    changes: `${tag}:changes`,
    agent: (customerId, userId) => `${tag}:agent:${customerId}:${userId}`,
    members: (customerId) => `${tag}:agents:${customerId}`,
    list: (customerId) => `${tag}:list:${customerId}`,
    erased: (customerId) => `${tag}:erased:${customerId}`,
    lease: (task) => `${tag}:lease:${task}`,
  };
}
