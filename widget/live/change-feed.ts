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

/** Reports the changes of every agent visible to the page's token, until closed. */
export interface ChangeFeed {
  /** Checks the connection at once, for example after sleep or when the network is back. */
  checkConnection(): void;
  close(): void;
}

export interface FeedOptions {
  readonly onEvent: (event: FeedEvent) => void;
  /** The position to resume from. */
  readonly cursor?: string | undefined;
}

/** Parses an availability from a change event. @throws if the value is malformed. */
export type ParseChange = (value: unknown) => ChangedAvailability;

/** Opens a feed. */
export type OpenFeed = (options: FeedOptions) => ChangeFeed;
