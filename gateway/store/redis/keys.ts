/** The names of what the gateways keep in Redis. A customer's id holds no colon, so that no two names are alike. */

const PREFIX = "availability-bridge:";

/** A hash: which epoch it is, how many changes there were, and which version none may be lower than. */
export const STORE_KEY = `${PREFIX}store`;

/** A stream: the last changes of all customers, each at the id `<position>-0`. */
export const CHANGES_KEY = `${PREFIX}changes`;

/** What the name of each agent's hash begins with. A removed agent keeps its hash, so that its versions go on. */
export function agentKeyPrefix(customerId: string): string {
  return `${PREFIX}agent:${customerId}:`;
}

/** A set: the user ids of the agents that a customer has or had. */
export function membersKey(customerId: string): string {
  return `${PREFIX}agents:${customerId}`;
}

/** A string: which gateway has taken on a task. */
export function leaseKey(task: string): string {
  return `${PREFIX}lease:${task}`;
}
