import type { FeedEvent } from "../change-feed.ts";

/**
 * A message between tabs, without any part of a token. A leader's message contains the `term` and `told`, the number of
 * `news` messages sent in the term, so that a tab can detect a missed message.
 */
export type TabMessage = OutgoingMessage & {
  /** The id of the sending tab, new for each join. */
  readonly from: string;
};

export type OutgoingMessage =
  /** Requests a snapshot from the leader. */
  | { readonly type: "hello" }
  /** Requests a `lead` message from the leader. */
  | { readonly type: "ping" }
  /** The tab claims leadership, since the given time in milliseconds since 1970. */
  | { readonly type: "claim"; readonly since: number }
  /** The tab no longer leads. The stream is closed. */
  | { readonly type: "bye" }
  | LeaderMessage;

export type LeaderMessage = Leadership &
  (
    | { readonly type: "lead"; readonly cursor?: string | undefined }
    | ({ readonly type: "news" | "snapshot" } & EventBatch)
  );

/** The leadership of a tab. */
export interface Leadership {
  /** Of two leaders, the higher term wins. With equal terms, the greater id wins. */
  readonly term: number;
  readonly told: number;
  /** The leader's lock in an election by locks. */
  readonly slot?: number | undefined;
}

interface EventBatch {
  readonly events: readonly FeedEvent[];
  /** Time of posting, in milliseconds since 1970. */
  readonly sentAt: number;
}

/** True if the first of two leaders stays the leader. */
export function outranks(one: RankedLeader, other: RankedLeader): boolean {
  return one.term > other.term || (one.term === other.term && one.from > other.from);
}

interface RankedLeader {
  readonly term: number;
  readonly from: string;
}
