import type { HistorySize } from "../../store/change-history.ts";
import type { ReplicaSize } from "../../store/replica-size.ts";

/** Health of a customer at the time of a scrape. */
export interface CustomerHealth {
  readonly customer: string;
  /** Age of the data that the gateway serves, in seconds: the older of the store's and the upstream's. 0 if up to date. */
  readonly staleSeconds: number;
  /** Age of the upstream's data, in seconds; 0 if up to date, infinite if never read. */
  readonly upstreamStaleSeconds: number;
  /** Requests that the upstream still accepts from the gateway in the current minute; absent without a limit. */
  readonly budgetLeft?: number | undefined;
  /** Age below which the upstream's data is never too old, in seconds; absent if the upstream has no list of agents. */
  readonly minStaleLimitSeconds?: number | undefined;
  /** Removals of agents held back since the start of the process; absent if the upstream has no list of agents. */
  readonly removalsHeldBack?: number | undefined;
  /** True if this gateway, and no other one, polls the list of agents; absent if the upstream has no list. */
  readonly isPolling?: boolean | undefined;
  /** False if the customer's key set could not be fetched; absent before the first fetch and without a key set. */
  readonly isKeySetAvailable?: boolean | undefined;
}

/** Values to read at each scrape. */
export interface HealthSources {
  isStoreReady(): boolean;
  /** Size of the customers that the store has loaded into this process's memory. */
  replicaSize(): ReplicaSize;
  /** Size of the changes that the store keeps in this process's memory. */
  historySize(): HistorySize;
  customers(): Iterable<CustomerHealth>;
}

/** Sources of a gateway that is not started yet. */
export const NO_SOURCES: HealthSources = {
  isStoreReady: () => false,
  replicaSize: () => ({ customers: 0, agents: 0, removedAgents: 0 }),
  historySize: () => ({ entries: 0, bytes: 0 }),
  customers: () => [],
};
