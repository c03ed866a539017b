/**
 * Messages between a tab and the shared worker. Both are of the same build: the build's hash is part of the worker's
 * address, and tabs with different addresses have different workers.
 */
import type { FeedEvent } from "../change-feed.ts";
import type { FollowedUsers } from "../followed-users.ts";

export type TabMessage =
  /** The tab joins, or follows other users from now on. The worker sends what it knows of the added users. The tab counts these messages. */
  | { readonly type: "follow"; readonly userIds: FollowedUsers; readonly count: number }
  | { readonly type: "ping" }
  /** The worker checks its stream as by `ChangeFeed.checkConnection`. It answers this and a `ping`. */
  | { readonly type: "check"; readonly hasSlept: boolean }
  | { readonly type: "leave" };

export type WorkerMessage =
  /**
   * Sent at a time in milliseconds on the worker's monotonic clock, which no correction of the machine's time moves. An answer to
   * `ping` and `check` has no events. `followCount` is the `count` of the latest `follow` that the worker has received from the tab: the tab
   * ignores a `current` that was sent before its own latest `follow`.
   */
  | {
      readonly type: "events";
      readonly events: readonly FeedEvent[];
      readonly sentAt: number;
      readonly followCount: number | undefined;
    }
  /** The worker needs a token of the tab's page. The message transfers a port for this one request. */
  | { readonly type: "lend" }
  /** The worker has removed the tab: it did not answer, or the gateway accepts no token of its page. */
  | { readonly type: "end" };

/** The parts of a `MessagePort` in use. */
export interface Port<Outgoing, Incoming> {
  postMessage(message: Outgoing, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent<Incoming>) => unknown) | null;
  close(): void;
}

/** The worker's end of the port to a tab. */
export type TabPort = Port<WorkerMessage, TabMessage>;
