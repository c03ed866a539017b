/** One tab's part in a feed that tabs share: it leads, and tells the others what its own feed tells it, or it follows. */

import type { Feed, FeedEvent, FeedOptions, OpenFeed } from "../feed.ts";
import type { ReadFeedEvent } from "../stream/event-stream.ts";
import type { OpenElection } from "./election.ts";
import { createFeedLedger } from "./feed-ledger.ts";
import { createFollowing, type Following } from "./following.ts";
import { type Channel, openTabChannel } from "./tab-channel.ts";
import type { TabClock } from "./tab-clock.ts";
import { type LeaderNews, type Leadership, outranks, type TabMessage } from "./tab-message.ts";

export interface TabGroupOptions {
  /** What the tabs share: who they ask, and for whom. */
  readonly name: string;
  /** This tab's, new for each time that it joins. */
  readonly id: string;
  readonly openChannel: (name: string) => Channel;
  readonly readEvent: ReadFeedEvent;
  readonly openElection: OpenElection;
  /** Opens a feed of this tab's own, for when it leads. */
  readonly openOwn: OpenFeed;
  readonly clock: TabClock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** A tab's time as the leader. */
interface Lead {
  readonly term: number;
  readonly slot: number | undefined;
  told: number;
  own?: Feed;
  /** What is told at the end of this turn: a stream's events come by the hundred. */
  readonly untold: FeedEvent[];
}

/** Joins the tabs that share a feed. It begins with a snapshot. */
export function joinTabGroup(options: TabGroupOptions, { onEvent }: Pick<FeedOptions, "onEvent">): Feed {
  const { name, id, openChannel, readEvent, openElection, openOwn, clock, random } = options;
  const ledger = createFeedLedger(clock.now);
  const channel = openTabChannel({ name, id, openChannel, readEvent, onMessage: hear });
  const election = openElection({ name, id, post: channel.post, onElected });
  let lead: Lead | undefined;
  let latestTerm = 0;
  let isClosed = false;
  const following: Following = createFollowing({
    clock,
    random,
    cursor: ledger.cursor,
    ask: (type) => channel.post({ type }),
    onEvent: tell,
    onMissing: election.replace,
  });

  function tell(event: FeedEvent): void {
    ledger.take(event);
    onEvent(event);
  }

  function hear(message: TabMessage): void {
    switch (message.type) {
      case "hello":
        if (lead) channel.postTo(message.from, { type: "snapshot", ...toLeadership(lead), ...packed(ledger.retell()) });
        return;
      case "ping":
        if (lead) assert(lead);
        else following.hearPing();
        return;
      case "claim":
        if (lead) assert(lead);
        else election.hear(message);
        return;
      case "bye":
        if (following.hearBye(message.from)) election.stand();
        return;
      default:
        hearLeader(message);
    }
  }

  function hearLeader(message: LeaderNews & { readonly from: string }): void {
    if (lead && !outranks(message, { term: lead.term, from: id })) {
      assert(lead);
      return;
    }
    if (lead) stepDown();
    latestTerm = Math.max(latestTerm, message.term);
    const isNew = following.hearLeader(message);
    if (isNew) election.follow(message.slot);
  }

  /** Says that this tab leads. */
  function assert(current: Lead): void {
    channel.post({ type: "lead", ...toLeadership(current), cursor: ledger.cursor() });
  }

  /** What this tab leads by, once all that its ledger holds is told. */
  function toLeadership(current: Lead): Leadership {
    flush(current);
    return { term: current.term, told: current.told, slot: current.slot };
  }

  function packed(events: readonly FeedEvent[]) {
    return { events, sentAt: clock.wallMs() };
  }

  function flush(current: Lead): void {
    if (current.untold.length === 0 || lead !== current) return;
    const events = current.untold.splice(0);
    current.told += 1;
    channel.post({ type: "news", term: current.term, told: current.told, slot: current.slot, ...packed(events) });
  }

  function onElected(slot: number | undefined): void {
    // By the clock, so that it is later than a term that this tab has not heard of.
    latestTerm = Math.max(latestTerm + 1, clock.wallMs());
    const current: Lead = { term: latestTerm, slot, told: 0, untold: [] };
    lead = current;
    following.stop();
    assert(current);
    current.own = openOwn({ cursor: ledger.cursor(), onEvent: (event) => hearOwn(current, event) });
    if (lead !== current) current.own.close();
  }

  function hearOwn(current: Lead, event: FeedEvent): void {
    if (lead !== current) return;
    // Another tab's token may hold where this one's does not.
    if (event.type === "refused") close();
    else if (current.untold.push(event) === 1) queueMicrotask(() => flush(current));
    tell(event);
  }

  /** Ends this tab's time as the leader. */
  function resign(): void {
    if (!lead) return;
    flush(lead);
    lead.own?.close();
    lead = undefined;
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
    following.stop();
    election.leave();
    channel.close();
  }

  following.begin();
  election.stand();
  return {
    wake() {
      if (lead) lead.own?.wake();
      else following.look();
    },
    close,
  };
}
