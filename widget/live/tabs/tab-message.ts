import type { FeedEvent } from "../feed.ts";

/**
 * What tabs tell each other. Nothing of a token is in it. What a leader says names its `term`, and how many messages of news
 * it has `told` in that term, so that whoever has missed one sees it.
 */
export type TabMessage = TabNews & {
  /** The tab that says it. New whenever a tab joins. */
  readonly from: string;
};

export type TabNews =
  /** Whoever leads sends the asker a snapshot. */
  | { readonly type: "hello" }
  /** Whoever leads says so. */
  | { readonly type: "ping" }
  /** The tab would lead, and has wanted to since then, in milliseconds since 1970. */
  | { readonly type: "claim"; readonly since: number }
  /** The tab leads no more. Its stream is closed. */
  | { readonly type: "bye" }
  | LeaderNews;

export type LeaderNews = Leadership &
  ({ readonly type: "lead"; readonly cursor?: string | undefined } | ({ readonly type: "news" | "snapshot" } & Told));

/** By what a tab leads. */
export interface Leadership {
  /** Of two that lead, the one with the higher term goes on; with the same one, the one with the greater id. */
  readonly term: number;
  readonly told: number;
  /** The lock that the leader holds, where it leads by one. */
  readonly slot?: number | undefined;
}

interface Told {
  readonly events: readonly FeedEvent[];
  /** In milliseconds since 1970. */
  readonly sentAt: number;
}

/** Whether one leader goes on, and the other does not, where both lead. */
export function outranks(one: RankedLeader, other: RankedLeader): boolean {
  return one.term > other.term || (one.term === other.term && one.from > other.from);
}

interface RankedLeader {
  readonly term: number;
  readonly from: string;
}
