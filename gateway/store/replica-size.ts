import type { WritableReplica } from "./replica.ts";

/** Size of the replicas in this process's memory. */
export interface ReplicaSize {
  /** Number of loaded customers. */
  readonly customers: number;
  readonly agents: number;
  /** Number of removed agents whose last version is kept, so that a late change does not restore them. */
  readonly removedAgents: number;
}

/** Adds up the sizes of the replicas of all loaded customers. */
export function sumReplicaSizes(replicas: readonly Pick<WritableReplica, "size" | "removedSize">[]): ReplicaSize {
  let [agents, removedAgents] = [0, 0];
  for (const replica of replicas) {
    agents += replica.size();
    removedAgents += replica.removedSize();
  }
  return { customers: replicas.length, agents, removedAgents };
}
