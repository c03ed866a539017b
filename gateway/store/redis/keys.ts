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
  /** Sorted set: the live gateways, each with the fingerprint of its customers, by when it counts as dead. */
  readonly gateways: string;
  /** Set: the polled customers of the gateways with this fingerprint. Expires. */
  polled(fingerprint: string): string;
  /** Sorted set: the customers by when the lists of their upstreams are late. */
  readonly lateLists: string;
  /** Hash: the summary of the list of each customer's upstream. */
  readonly lists: string;
  /** Sorted set: the taken slots of a share of the requests to a customer's upstream, by when they are free again. */
  slots(customerId: string, share: string): string;
  /** String: exists while a customer's upstream gets no requests. */
  blocked(customerId: string): string;
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
    gateways: `${tag}:gateways`,
    polled: (fingerprint) => `${tag}:polled:${fingerprint}`,
    lateLists: `${tag}:lists:late`,
    lists: `${tag}:lists`,
    slots: (customerId, share) => `${tag}:slots:${customerId}:${share}`,
    blocked: (customerId) => `${tag}:blocked:${customerId}`,
  };
}
