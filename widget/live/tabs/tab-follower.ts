/** The follower's role of a tab: applies the leader's events in order, and checks that the leader is present. */
import type { FeedEvent } from "../change-feed.ts";
import type { TabClock } from "./tab-clock.ts";
import { type LeaderMessage, outranks } from "./tab-message.ts";

/**
 * Idle time of the leader before a ping, in milliseconds. The leader sends no heartbeat, because timers of a hidden tab
 * are slow and replies are not. Up to half as long is added at random, so that one tab pings for all.
 */
const IDLE_TIMEOUT_MS = 5_000;

/** Timeout of a reply, in milliseconds. */
const PING_TIMEOUT_MS = 1_000;

/** Maximum time between two snapshot requests, in milliseconds, if no readable snapshot arrives. */
const MAX_PING_TIMEOUT_MS = 30_000;

/** Number of failed snapshots before each further failure doubles the time between requests. */
const MAX_SNAPSHOT_TRIES = 3;

/**
 * Maximum number of updates buffered before a snapshot. The snapshot contains the older updates, or the message count
 * reveals the gap.
 */
const MAX_BUFFERED = 100;

/** Number of pings without a reply before the leader counts as lost. */
const MAX_PINGS = 2;

/** Delay of a timer, in milliseconds, above which the tab counts as busy. */
const MAX_TIMER_DRIFT_MS = 250;

export interface TabFollowerOptions {
  readonly clock: TabClock;
  readonly random: () => number;
  /** The position up to which this tab has every event. */
  readonly cursor: () => string | undefined;
  readonly send: (type: "hello" | "ping") => void;
  readonly onEvent: (event: FeedEvent) => void;
  /** Called if the leader, or every tab, leaves the pings without a reply. */
  readonly onLeaderLost: () => void;
}

/** A tab in the follower's role. */
export interface TabFollower {
  /** Requests a snapshot from the leader. */
  start(): void;
  /** Pings the leader. */
  check(): void;
  /** @returns true if the leader has changed. */
  handleLeaderMessage(message: ReceivedLeaderMessage): boolean;
  /** Another tab has pinged the leader. */
  handlePing(): void;
  /** @returns true if the sender was the leader. */
  handleBye(from: string): boolean;
  stop(): void;
}

type ReceivedLeaderMessage = LeaderMessage & { readonly from: string };

interface Leader {
  readonly from: string;
  readonly term: number;
  /** The number of the last applied update; `undefined` until a snapshot arrives. */
  lastSequence: number | undefined;
  /** Updates received before the snapshot. */
  buffered: ReceivedLeaderMessage[];
}

/** Creates a follower without a leader. */
export function createTabFollower(options: TabFollowerOptions): TabFollower {
  const { clock, random, cursor, send, onEvent, onLeaderLost } = options;
  let leader: Leader | undefined;
  let lastMessageAt = 0;
  let lastPingAt = 0;
  /** Pings since the last message from the leader. */
  let pingCount = 0;
  /** Snapshot requests in a row without a readable snapshot, although the leader responds. */
  let failedSnapshots = 0;
  /** True if the last timer fired too late to count. */
  let isLate = false;
  let cancelTimer = (): void => {};

  function schedule(delayMs: number): void {
    cancelTimer();
    cancelTimer = clock.setTimer(delayMs, onTimer);
  }

  function resetTimer(idleMs = 0): void {
    pingCount = 0;
    schedule(IDLE_TIMEOUT_MS * (1 + random() / 2) - idleMs);
  }

  function pingLeader(): void {
    send(leader?.lastSequence === undefined ? "hello" : "ping");
    recordPing();
  }

  function recordPing(): void {
    lastPingAt = clock.now();
    pingCount += 1;
    schedule(Math.min(MAX_PING_TIMEOUT_MS, PING_TIMEOUT_MS * 2 ** Math.max(0, failedSnapshots - MAX_SNAPSHOT_TRIES)));
  }

  function onTimer(lateMs: number): void {
    const hasReplied = leader !== undefined && lastMessageAt >= lastPingAt;
    const idleMs = clock.now() - lastMessageAt;
    if (hasReplied && leader?.lastSequence !== undefined && idleMs < IDLE_TIMEOUT_MS) {
      resetTimer(idleMs);
      return;
    }
    failedSnapshots = hasReplied && leader?.lastSequence === undefined ? failedSnapshots + 1 : 0;
    // A busy or frozen tab has not received the reply yet. A hidden tab is always late, so wait again only once.
    const wasBusy = lateMs > MAX_TIMER_DRIFT_MS && !isLate;
    isLate = wasBusy;
    // The leader is present, but its snapshot is not: request another.
    if (hasReplied || wasBusy) pingCount = 0;
    if (pingCount < MAX_PINGS) {
      pingLeader();
      return;
    }
    leader = undefined;
    resetTimer();
    onLeaderLost();
  }

  function applyBatch(message: ReceivedLeaderMessage & { readonly type: "news" | "snapshot" }): void {
    const delayMs = Math.max(0, clock.epochMs() - message.sentAt);
    for (const event of message.events) {
      onEvent("ageMs" in event ? { ...event, ageMs: event.ageMs + delayMs } : event);
    }
  }

  /** Requests a snapshot after a missed update. */
  function requestResync(current: Leader): void {
    current.lastSequence = undefined;
    current.buffered = [];
    pingLeader();
  }

  function buffer({ buffered }: Leader, message: ReceivedLeaderMessage): void {
    buffered.push(message);
    if (buffered.length > MAX_BUFFERED) buffered.shift();
  }

  function applyMessage(current: Leader, message: ReceivedLeaderMessage): void {
    const { lastSequence } = current;
    switch (message.type) {
      case "lead":
        if (lastSequence !== undefined && lastSequence < message.told) requestResync(current);
        return;
      case "news":
        if (lastSequence === undefined) buffer(current, message);
        else if (message.told === lastSequence + 1) {
          current.lastSequence = message.told;
          applyBatch(message);
        } else if (message.told > lastSequence) requestResync(current);
        return;
      case "snapshot": {
        if (lastSequence !== undefined) return;
        current.lastSequence = message.told;
        failedSnapshots = 0;
        applyBatch(message);
        const pending = current.buffered.splice(0);
        for (const bufferedMessage of pending) applyMessage(current, bufferedMessage);
      }
    }
  }

  return {
    start() {
      leader = undefined;
      pingLeader();
    },
    check() {
      pingCount = 0;
      pingLeader();
    },
    handleLeaderMessage(message) {
      if (leader && outranks(leader, message)) return false;
      lastMessageAt = clock.now();
      const isNew = leader?.from !== message.from || leader.term !== message.term;
      if (isNew) {
        failedSnapshots = 0;
        const isKnown = message.type === "lead" && message.cursor !== undefined && message.cursor === cursor();
        leader = {
          from: message.from,
          term: message.term,
          lastSequence: isKnown ? message.told : undefined,
          buffered: [],
        };
        if (isKnown) resetTimer();
        else if (message.type !== "snapshot") requestResync(leader);
      }
      if (leader) applyMessage(leader, message);
      return isNew;
    },
    handlePing() {
      if (pingCount === 0 && leader?.lastSequence !== undefined) recordPing();
    },
    handleBye(from) {
      if (leader?.from !== from) return false;
      leader = undefined;
      resetTimer();
      return true;
    },
    stop() {
      cancelTimer();
      leader = undefined;
    },
  };
}
