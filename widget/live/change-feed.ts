import type { ChangedAvailability } from "../../shared/contracts/availability.ts";

/** An event of a change feed. Events arrive in the gateway's order. */
export type FeedEvent = FeedChange & {
  /** The position from which a later feed can resume after this event. */
  readonly cursor?: string;
};

type FeedChange =
  /** An agent's availability, with its age in milliseconds. */
  | { readonly type: "availability"; readonly availability: ChangedAvailability; readonly ageMs: number }
  /** An agent was removed. */
  | { readonly type: "removal"; readonly userId: number; readonly version: number }
  /** The gateway has the agent of a snapshot, but cannot read the agent's availability at present. */
  | { readonly type: "unreadable"; readonly userId: number }
  /** All earlier events are invalid. A snapshot follows. */
  | { readonly type: "reset" }
  /** The snapshot is complete. */
  | { readonly type: "current" }
  /** The feed had every event up to `ageMs` milliseconds ago. */
  | { readonly type: "heartbeat"; readonly ageMs: number }
  /** The gateway has refused the feed, or neither stream nor polling gets through. */
  | { readonly type: "stale" }
  /** The gateway rejects the page's tokens. No event follows. */
  | { readonly type: "unauthorized" };

/** Reports the changes of agents visible to the page's token, until closed. */
export interface ChangeFeed {
  /**
   * Reports these users alone from now on, or all for `undefined`. An added user that the feed has not reported so far
   * causes a `reset` and a snapshot, and no snapshot that lacks a followed user ends with `current`. An added user that the gateway has
   * removed since the last snapshot may be reported as removed once more. A user that is no longer followed may still be reported for a
   * while.
   *
   * @param userIds at least one user.
   */
  follow(userIds: ReadonlySet<number> | undefined): void;
  /**
   * Checks the connection at once, for example after sleep or when the network is back.
   *
   * @param hasSlept true if the caller has noticed a sleep of the machine. The feed then reports a heartbeat of after the sleep as soon as
   * it has one, although it may have noticed the sleep earlier. @default false
   */
  checkConnection(hasSlept?: boolean): void;
  /** Ends the wait after a failed request, except the gateway's `Retry-After`: the page has given another token. */
  retryNow(): void;
  close(): void;
}

export interface FeedOptions {
  readonly onEvent: (event: FeedEvent) => void;
  /** The position to resume from: the caller has every event of the followed users up to it. */
  readonly cursor?: string | undefined;
  /** The users to follow. @default all */
  readonly userIds?: ReadonlySet<number> | undefined;
}

/** Parses an availability from a change event. @throws if the value is malformed. */
export type ParseChange = (value: unknown) => ChangedAvailability;

/** Opens a feed. */
export type OpenFeed = (options: FeedOptions) => ChangeFeed;
