import type { ListState } from "./upstream-reads.ts";

/** Gateways that share the polls of the customers' upstreams. A gateway that no longer announces itself counts as dead. */
export interface LiveGateways {
  /**
   * Counts the gateway among the live gateways for a time, and returns the live gateways. One call for all customers.
   *
   * @throws {StoreUnavailableError}
   */
  announce(announcement: Announcement): Promise<SharedPolls>;
  /** Stops counting the gateway among the live gateways. @throws {StoreUnavailableError} */
  withdraw(): Promise<void>;
}

export interface Announcement {
  /** Customers whose upstreams the gateway can poll; the same array as long as they are the same. */
  readonly customerIds: readonly string[];
  /** Customers whose lists to return even if the lists are on time. */
  readonly listedCustomerIds: readonly string[];
  /** Time for which the gateway counts as live, in milliseconds. */
  readonly durationMs: number;
}

/** Live gateways, and the lists of upstreams that are read late. */
export interface SharedPolls {
  /** Returns what the customer's part of the store knows; `undefined` while that part cannot be reached. */
  partOf(customerId: string): PollPart | undefined;
}

/** Polls of the customers in one part of the store, as the part knows the polls. */
export interface PollPart {
  /** Id of the gateway, different for each process. */
  readonly ownId: string;
  /** Differs from the last announcement's if `gatewaysOf` may return other gateways for any customer. */
  readonly membership: string;
  /** Differs from the last announcement's if the store has lost lists, so that a list is not known to be on time. */
  readonly listsId: string;
  /** Returns the ids of the live gateways that can poll the customer's upstream, in any order. */
  gatewaysOf(customerId: string): readonly string[];
  /** Returns the customer's list if it is late or was asked for, and if any gateway has tried to read it. */
  listOf(customerId: string): ListSummary | undefined;
}

/** Summary of the reads of an upstream's list of agents by all gateways. */
export interface ListSummary extends Omit<ListState, "startedMsByPage"> {
  /**
   * Start of the last read of the page read longest ago, in milliseconds on the monotonic clock of the process;
   * `undefined` unless each page has been read.
   */
  readonly oldestMs: number | undefined;
  /** True if the list is read later than planned, or cannot be read. */
  readonly isLate: boolean;
}
