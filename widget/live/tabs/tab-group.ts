/**
 * One tab's part in a shared feed: a leader sends the events of its own feed to the other tabs, and a follower receives
 * them.
 */

import type { ChangeFeed, FeedEvent, FeedOptions, OpenFeed } from "../change-feed.ts";
import type { ParseFeedEvent } from "../stream/event-stream.ts";
import { createFeedCache } from "./feed-cache.ts";
import type { OpenLeaderElection } from "./leader-election.ts";
import { type Channel, openTabChannel } from "./tab-channel.ts";
import type { TabClock } from "./tab-clock.ts";
import { createTabFollower, type TabFollower } from "./tab-follower.ts";
import { type LeaderMessage, type Leadership, outranks, type TabMessage } from "./tab-message.ts";

export interface TabGroupOptions {
  /** The name shared by the tabs: the gateway's address and the token's subject. */
  readonly name: string;
  /** The id of this tab, new for each join. */
  readonly id: string;
  readonly openChannel: (name: string) => Channel;
  readonly parseEvent: ParseFeedEvent;
  readonly openElection: OpenLeaderElection;
  /** Opens a feed of this tab's own while the tab leads. */
  readonly openOwnFeed: OpenFeed;
  readonly clock: TabClock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The leader's role of a tab. */
interface OwnLeadership {
  readonly term: number;
  readonly slot: number | undefined;
  sequence: number;
  ownFeed?: ChangeFeed;
  /** Events to send at the end of the current task: a stream delivers hundreds at once. */
  readonly pendingEvents: FeedEvent[];
}

/** Joins the tabs of a shared feed. The feed begins with a snapshot. */
export function joinTabGroup(options: TabGroupOptions, { onEvent }: Pick<FeedOptions, "onEvent">): ChangeFeed {
  const { name, id, openChannel, parseEvent, openElection, openOwnFeed, clock, random } = options;
  const feedCache = createFeedCache(clock.now);
  const channel = openTabChannel({ name, id, openChannel, parseEvent, onMessage: handleMessage });
  const election = openElection({ name, id, post: channel.post, onElected });
  let leadership: OwnLeadership | undefined;
  let latestTerm = 0;
  let isClosed = false;
  const follower: TabFollower = createTabFollower({
    clock,
    random,
    cursor: feedCache.cursor,
    send: (type) => channel.post({ type }),
    onEvent: emit,
    onLeaderLost: election.takeOver,
  });

  function emit(event: FeedEvent): void {
    feedCache.apply(event);
    onEvent(event);
  }

  function handleMessage(message: TabMessage): void {
    switch (message.type) {
      case "hello":
        if (leadership)
          channel.postTo(message.from, {
            type: "snapshot",
            ...toLeadership(leadership),
            ...toBatch(feedCache.toSnapshot()),
          });
        return;
      case "ping":
        if (leadership) announceLeadership(leadership);
        else follower.handlePing();
        return;
      case "claim":
        if (leadership) announceLeadership(leadership);
        else election.handleMessage(message);
        return;
      case "bye":
        if (follower.handleBye(message.from)) election.requestLeadership();
        return;
      default:
        handleLeaderMessage(message);
    }
  }

  function handleLeaderMessage(message: LeaderMessage & { readonly from: string }): void {
    if (leadership && !outranks(message, { term: leadership.term, from: id })) {
      announceLeadership(leadership);
      return;
    }
    if (leadership) stepDown();
    latestTerm = Math.max(latestTerm, message.term);
    const isNew = follower.handleLeaderMessage(message);
    if (isNew) election.acceptLeader(message.slot);
  }

  /** Announces that this tab leads. */
  function announceLeadership(current: OwnLeadership): void {
    channel.post({ type: "lead", ...toLeadership(current), cursor: feedCache.cursor() });
  }

  /** Returns this tab's leadership after sending the pending events. */
  function toLeadership(current: OwnLeadership): Leadership {
    flush(current);
    return { term: current.term, told: current.sequence, slot: current.slot };
  }

  function toBatch(events: readonly FeedEvent[]) {
    return { events, sentAt: clock.epochMs() };
  }

  function flush(current: OwnLeadership): void {
    if (current.pendingEvents.length === 0 || leadership !== current) return;
    const events = current.pendingEvents.splice(0);
    current.sequence += 1;
    channel.post({ type: "news", term: current.term, told: current.sequence, slot: current.slot, ...toBatch(events) });
  }

  function onElected(slot: number | undefined): void {
    // The clock makes the term higher than a term unknown to this tab.
    latestTerm = Math.max(latestTerm + 1, clock.epochMs());
    const current: OwnLeadership = { term: latestTerm, slot, sequence: 0, pendingEvents: [] };
    leadership = current;
    follower.stop();
    announceLeadership(current);
    current.ownFeed = openOwnFeed({ cursor: feedCache.cursor(), onEvent: (event) => onOwnEvent(current, event) });
    if (leadership !== current) current.ownFeed.close();
  }

  function onOwnEvent(current: OwnLeadership, event: FeedEvent): void {
    if (leadership !== current) return;
    // Another tab's token may still be valid.
    if (event.type === "unauthorized") close();
    else if (current.pendingEvents.push(event) === 1) queueMicrotask(() => flush(current));
    emit(event);
  }

  /** Ends this tab's leadership. */
  function resign(): void {
    if (!leadership) return;
    flush(leadership);
    leadership.ownFeed?.close();
    leadership = undefined;
    channel.post({ type: "bye" });
  }

  function stepDown(): void {
    resign();
    election.stepDown();
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    resign();
    follower.stop();
    election.close();
    channel.close();
  }

  follower.start();
  election.requestLeadership();
  return {
    checkConnection() {
      if (leadership) leadership.ownFeed?.checkConnection();
      else follower.check();
    },
    close,
  };
}
