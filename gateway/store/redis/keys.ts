/** Keys of the gateway's data in Redis. A customer's id contains no colon, so no two keys collide. */

const PREFIX = "availability-bridge:";

/** Hash: the epoch, the number of changes, and the lowest version that a new change may have. */
export const STORE_KEY = `${PREFIX}store`;

/** Stream: the latest changes of all customers, with ids of the form `<position>-0`. */
export const CHANGES_KEY = `${PREFIX}changes`;

/** Prefix of the keys of agents' hashes. A removed agent keeps the hash, so that versions continue. */
export function agentKeyPrefix(customerId: string): string {
  return `${PREFIX}agent:${customerId}:`;
}

/** Set: the user ids of the customer's present and former agents. */
export function membersKey(customerId: string): string {
  return `${PREFIX}agents:${customerId}`;
}

/** Hash: when the last read of each page of the upstream's list began, the number of pages, and a mark while it fails. */
export function listKey(customerId: string): string {
  return `${PREFIX}list:${customerId}`;
}

/**
 * String: the version up to which agents of the customer were erased. Gateways that were away do not give them back.
 * Expires.
 */
export function erasedKey(customerId: string): string {
  return `${PREFIX}erased:${customerId}`;
}

/** String: the gateway that has the lease of a task. */
export function leaseKey(task: string): string {
  return `${PREFIX}lease:${task}`;
}
