import type { AgentState, Status, StoredAgent } from "./agent.ts";
import type { Replica } from "./replica.ts";

/** The lines that a store writes for the operator. None holds a password. */
export interface StoreLog {
  /** The store works again. */
  line(text: string): void;
  /** The operator may have to act: the store was lost, cannot be reached or has lost data. */
  warning(text: string): void;
}

/** Where the gateway keeps the availabilities of all customers. */
export interface AvailabilityStore {
  /** One customer's part of it. */
  forCustomer(customerId: string): CustomerStore;
  /** Whether it can be read and written now. */
  isReady(): boolean;
  /** Resolves once it is ready. Rejects with the signal's reason as soon as that aborts. */
  whenReady(signal: AbortSignal): Promise<void>;
  /**
   * Takes on a task that one gateway of several does at a time, such as asking an upstream: true where this gateway has it now,
   * for this long, in milliseconds. Asked again by the one that has it, it has it for this long from then on, be that longer or
   * shorter than what was left. False as well while the store cannot be reached, since nobody can be sure of a task then.
   */
  lease(task: string, durationMs: number, options?: LeaseOptions): Promise<boolean>;
  /** Whether any gateway has this task now. False as well while the store cannot be reached. */
  isLeased(task: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface LeaseOptions {
  /** Whether it stays taken for all of its time, also where this gateway closes before, as for what is used up. @default false */
  readonly keepAfterClose?: boolean;
}

/** One customer's availabilities in a store. No other customer's agents can be reached through it. */
export interface CustomerStore {
  /**
   * All that is known of the customer, in this process's memory and kept current. Loads it at the first call.
   *
   * @throws {StoreUnavailableError} where it was never loaded, and cannot be now.
   */
  open(signal: AbortSignal): Promise<Replica>;
  /**
   * Says what an agent does, who is known from then on. Leaves the version alone where that is nothing new.
   *
   * @throws {StoreUnavailableError} where it is not certain to be kept.
   */
  set(userId: number, state: AgentState): Promise<StoredAgent>;
  /** As `set`, but leaves an agent alone who is known already. */
  insertIfAbsent(userId: number, state: AgentState): Promise<StoredAgent>;
  /**
   * Changes what a known agent does and leaves the wrap-up time running as it is. `undefined` where there is no such agent.
   *
   * @throws {VersionMismatchError} where the agent's version is none of `ifVersions`.
   * @throws {StoreUnavailableError} where it is not certain to be kept.
   */
  setStatus(userId: number, status: Status, ifVersions?: readonly number[]): Promise<StoredAgent | undefined>;
  /** Forgets an agent. Should the agent come back, the version is higher than it ever was. */
  remove(userId: number): Promise<void>;
}

/** The store cannot be reached. What was asked of it may or may not have been done. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
}

/** What the store holds of one agent cannot be read. Of all others it can. */
export class UnreadableAgentError extends StoreUnavailableError {}

/** Waits for what is done of one agent among many, and passes over one who cannot be read: the others are not to suffer for it. */
export async function ignoreUnreadable(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof UnreadableAgentError)) throw error;
  }
}

/** A change was made on the condition of a version, and the agent has another one by now. */
export class VersionMismatchError extends Error {
  override readonly name = "VersionMismatchError";
  /** The version that the agent has. */
  readonly version: number;

  constructor(version: number) {
    super(`The agent's version is ${version}`);
    this.version = version;
  }
}
