import type { ChangedAvailability } from "../../shared/contracts/availability.ts";

/** What a feed tells, in the order in which the gateway tells it. */
export type FeedEvent = FeedNews & {
  /** Where a feed that begins after this event may resume. */
  readonly cursor?: string;
};

type FeedNews =
  /** A user's availability, made this long ago, in milliseconds. */
  | { readonly type: "availability"; readonly availability: ChangedAvailability; readonly ageMs: number }
  /** A user who is there no more. */
  | { readonly type: "removal"; readonly userId: number; readonly version: number }
  /** All that was told before is void. A snapshot follows. */
  | { readonly type: "reset" }
  /** Everything that there is has been told. */
  | { readonly type: "current" }
  /** The backend takes no token of this page's any more. Nothing follows. */
  | { readonly type: "refused" };

/** Tells of every user that the page's token may see, until it is closed. */
export interface Feed {
  /** Looks at once whether it is still fed, as after a sleep, or when the network is back. */
  wake(): void;
  close(): void;
}

export interface FeedOptions {
  readonly onEvent: (event: FeedEvent) => void;
  /** Where to resume. */
  readonly cursor?: string | undefined;
}

/** Reads an availability as the backend tells it when it changes. @throws where it is none. */
export type ReadChanged = (value: unknown) => ChangedAvailability;

/** Opens a feed. */
export type OpenFeed = (options: FeedOptions) => Feed;
