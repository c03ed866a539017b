import type { AgentState, Status, StoredAgent } from "./agent.ts";
import type { HistorySize } from "./change-history.ts";
import type { LiveGateways } from "./live-gateways.ts";
import type { Replica } from "./replica.ts";
import type { ReplicaSize } from "./replica-size.ts";
import type { RequestSlots } from "./request-slots.ts";
import type { ListFailures, ListState, PageRead, ReadStart } from "./upstream-reads.ts";

/** Log lines of a store, for the operator. No line contains a password. */
export interface StoreLog {
  /** Reports that the store works again. */
  line(text: string): void;
  /** Reports a problem the operator may have to solve: the store was lost, is unreachable or has lost data. */
  warning(text: string): void;
}

/** Store of the availabilities of all customers. */
export interface AvailabilityStore {
  /** Returns the customer's part of the store. */
  forCustomer(customerId: string): CustomerStore;
  /** True while the store can be read and written, at least for some of the customers in use. */
  isReady(): boolean;
  /**
   * Resolves once the store can be read and written for every customer in use. Rejects with the signal's reason if the
   * signal aborts first.
   */
  whenReady(signal: AbortSignal): Promise<void>;
  /**
   * Acquires a task for `durationMs` milliseconds. Only one of several gateways may do the task at a time, such as
   * polling an upstream.
   *
   * Resolves with true if this gateway has the task. For the gateway that already has the task, the duration restarts,
   * shorter or longer than before. Resolves with false while the store is unreachable, because no gateway can be sure
   * of the task then.
   */
  lease(task: string, durationMs: number, options?: LeaseOptions): Promise<boolean>;
  /** Gateways that share the store, among which the polls of the upstreams are divided. */
  readonly gateways: LiveGateways;
  /** Returns the size of the customers that this process has loaded into its memory. */
  replicaSize(): ReplicaSize;
  /**
   * Erases the data of customers that no gateway has served for 30 days, and older changes. `eraseOutdated` of each
   * customer's store comes first. Resolves with the ids of the erased customers. Leaves out the shards of a cluster that
   * cannot be reached.
   *
   * @throws {StoreUnavailableError} if a store without shards may not have erased everything.
   */
  eraseUnserved(): Promise<readonly string[]>;
  /** Returns the size of the kept changes of all customers in this process's memory. */
  historySize(): HistorySize;
  close(): Promise<void>;
}

export interface LeaseOptions {
  /** Customer whose part of the store keeps the lease. @default a part chosen by the task's name */
  readonly customerId?: string;
  /**
   * Keeps the lease until the end of its duration even if the gateway closes first, as for a spent request. @default
   * false
   */
  readonly keepAfterClose?: boolean;
}

/** A customer's availabilities in a store. Gives no access to other customers' agents. */
export interface CustomerStore {
  /**
   * Returns the customer's replica, which is kept current in the memory of this process. The first call loads the
   * replica.
   *
   * @throws {StoreUnavailableError} if the replica was never loaded and cannot be loaded now.
   */
  open(signal: AbortSignal): Promise<Replica>;
  /**
   * Time since which the replica may be stale, in milliseconds on the monotonic clock; `undefined` while it is current
   * or can be loaded, and -Infinity while it was never loaded and the store is unreachable.
   */
  staleSinceMs(): number | undefined;
  /** True while the customer's part of the store can be read and written. */
  isReady(): boolean;
  /**
   * Sets an agent's state and adds the agent if unknown. Keeps the version if the state is unchanged.
   *
   * @throws {StoreUnavailableError} if the store may not have kept the change.
   */
  set(userId: number, state: AgentState): Promise<StoredAgent>;
  /** Does what `set` does, but only if the agent is unknown. */
  insertIfAbsent(userId: number, state: AgentState): Promise<StoredAgent>;
  /**
   * Sets a known agent's status and leaves the wrap-up time running. Resolves with `undefined` if the agent is unknown.
   *
   * @throws {VersionMismatchError} if `ifVersions` does not contain the agent's version.
   * @throws {StoreUnavailableError} if the store may not have kept the change.
   */
  setStatus(userId: number, status: Status, ifVersions?: readonly number[]): Promise<StoredAgent | undefined>;
  /** Removes an agent. If the agent is added again, the version is higher than ever before. */
  remove(userId: number): Promise<void>;
  /**
   * Resolves when the replica has every change that any gateway has made before the call.
   *
   * @throws {StoreUnavailableError} if the store cannot be reached.
   */
  catchUp(): Promise<void>;
  /**
   * Returns the present time of the store's clock. Call it before a read of the upstream begins.
   *
   * @throws {StoreUnavailableError} if the store cannot be reached.
   */
  startRead(): Promise<ReadStart>;
  /**
   * Returns when the last recorded read of an agent by any gateway began, at the earliest, in milliseconds on the monotonic
   * clock of this process; `-Infinity` if no read is known.
   *
   * @throws {StoreUnavailableError} if the store cannot be reached.
   */
  lastReadMs(userId: number): Promise<number>;
  /**
   * Sets the state that a read of the upstream has found, unless a read that began later has been recorded by any
   * gateway. `undefined` as state removes the agent. Resolves with the agent as it is afterwards, `undefined` if removed.
   *
   * @throws {StoreUnavailableError} if the store may not have kept the change.
   */
  record(userId: number, state: AgentState | undefined, readAt: ReadStart): Promise<StoredAgent | undefined>;
  /**
   * Sets the states of agents that a read of the upstream has found, each as `record` does, and leaves out agents whose
   * records cannot be read.
   *
   * @throws {StoreUnavailableError} if the store may not have kept some of the states.
   */
  recordAll(agents: readonly FoundAgent[], readAt: ReadStart): Promise<void>;
  /**
   * Records a read of the upstream that found agents as they are in the replica, so that earlier reads no longer change
   * them. Resolves with the agents that another gateway has changed meanwhile: the replica has the changes by then, and
   * the read is to be compared and recorded again.
   *
   * @throws {StoreUnavailableError} if the store may not have kept the record.
   */
  confirm(agents: readonly AgentVersion[], readAt: ReadStart): Promise<readonly number[]>;
  /**
   * Records that a page of the upstream's list was read and its agents were recorded, for all gateways, and that the
   * list no longer fails.
   *
   * @throws {StoreUnavailableError} if the store may not have kept the record.
   */
  recordPage(read: PageRead): Promise<void>;
  /**
   * Records for all gateways that the list cannot be read at present and why, and returns how often it has failed.
   *
   * @throws {StoreUnavailableError}
   */
  recordListFailure(reason: string): Promise<ListFailures>;
  /** Returns when each page was last read by any gateway. @throws {StoreUnavailableError} */
  loadListState(): Promise<ListState>;
  /** Slots for the requests of all gateways to the customer's upstream. */
  readonly requestSlots: RequestSlots;
  /**
   * Erases agents and the ids of removed agents, in the store and in the memory of every gateway. A gateway that is away
   * does not give the agents back when it returns. An agent that is created again has a higher version than before.
   * Subscribers are sent the removal of each given user; without user ids, a snapshot without the erased agents.
   *
   * Resolves with the erased user ids. An agent that is created meanwhile is kept.
   *
   * @param userIds users to erase, removed or not. @default all of the customer's agents and its other data
   * @throws {StoreUnavailableError} if the store may not have erased everything. The call can be repeated.
   */
  erase(userIds?: readonly number[]): Promise<readonly number[]>;
  /**
   * Records that this gateway serves the customer, and erases the ids of agents that were removed more than 30 days ago,
   * unless another gateway did so within the last 20 hours. Resolves with the number of erased ids.
   *
   * @throws {StoreUnavailableError} if the store may not have erased them.
   */
  eraseOutdated(): Promise<number>;
  /**
   * Resolves with true if the store has data of the customer, if a gateway has served the customer, or if its data was
   * erased within the last 30 days; with false for an id that no gateway ever had, such as a misspelt one.
   *
   * @throws {StoreUnavailableError} if the store cannot be reached.
   */
  isKnown(): Promise<boolean>;
}

/** State of an agent as a read of the upstream has found it. */
export interface FoundAgent {
  readonly userId: number;
  readonly state: AgentState;
}

/** Version of an agent in the replica. */
export type AgentVersion = Pick<StoredAgent, "userId" | "version">;

/** Thrown when the store cannot be reached. The requested change may or may not have been made. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** Thrown when an agent's record cannot be read. The rest of the store works. */
export class UnreadableAgentError extends StoreUnavailableError {}

/** Awaits an operation on an agent and ignores an unreadable record, so that a loop goes on with the next agent. */
export async function ignoreUnreadable(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof UnreadableAgentError)) throw error;
  }
}

/** Thrown when the agent's version is not among the versions that the change required. */
export class VersionMismatchError extends Error {
  override readonly name = "VersionMismatchError";
  /** The agent's current version. */
  readonly version: number;

  constructor(version: number) {
    super(`The agent's version is ${version}`);
    this.version = version;
  }
}
