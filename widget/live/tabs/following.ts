/** What a tab does while another leads: it takes what the leader tells, in order, and sees to it that the leader is there. */
import type { FeedEvent } from "../feed.ts";
import type { TabClock } from "./tab-clock.ts";
import { type LeaderNews, outranks } from "./tab-message.ts";

/** How long nothing may be heard of the leader, in milliseconds, before it is asked: it has no heartbeat, since in a hidden tab
 * timers are slow, and answers are not. Up to half as long again passes, so that one asks for all. */
const SILENCE_MS = 5_000;

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 1_000;

/** The longest time after which a leader is asked again for a snapshot, in milliseconds, where none comes that can be read. */
const LONGEST_ANSWER_MS = 30_000;

/** How many snapshots may fail to come, or to be read, before the time between them doubles with each. */
const PATIENCE = 3;

/** How many news are held until a snapshot comes. The oldest of more are in it, or are missed by their number. */
const MOST_HELD = 100;

/** How often the leader is asked before it is taken for gone. */
const QUESTIONS = 2;

/** By how much a timer may be late, in milliseconds, before it counts as one of a tab that was busy. */
const LATE_MS = 250;

export interface FollowingOptions {
  readonly clock: TabClock;
  readonly random: () => number;
  /** Up to where this tab knows everything. */
  readonly cursor: () => string | undefined;
  readonly ask: (type: "hello" | "ping") => void;
  readonly onEvent: (event: FeedEvent) => void;
  /** The leader does not answer, or nobody has. */
  readonly onMissing: () => void;
}

/** A tab's time as a follower. */
export interface Following {
  /** Asks whoever leads for a snapshot. */
  begin(): void;
  /** Asks whether there is a leader. */
  look(): void;
  /** @returns whether it is another leader than before. */
  hearLeader(message: LeaderMessage): boolean;
  /** Another tab has asked the leader whether it is there. */
  hearPing(): void;
  /** @returns whether that was the leader. */
  hearBye(from: string): boolean;
  stop(): void;
}

type LeaderMessage = LeaderNews & { readonly from: string };

interface Leader {
  readonly from: string;
  readonly term: number;
  /** Up to where this tab has taken what the leader told; `undefined` while it waits for a snapshot. */
  told: number | undefined;
  /** News that have come before the snapshot. */
  held: LeaderMessage[];
}

/** Creates a follower that follows nobody yet. */
export function createFollowing(options: FollowingOptions): Following {
  const { clock, random, cursor, ask, onEvent, onMissing } = options;
  let leader: Leader | undefined;
  let heardAt = 0;
  let askedAt = 0;
  /** Questions since the leader was last heard. */
  let questions = 0;
  /** Snapshots in a row that the leader was asked for, and that did not come or could not be read, though it was heard. */
  let unread = 0;
  /** Whether the last check was too late to count. */
  let isLate = false;
  let callOff = (): void => {};

  function schedule(delayMs: number): void {
    callOff();
    callOff = clock.after(delayMs, check);
  }

  function rest(silenceMs = 0): void {
    questions = 0;
    schedule(SILENCE_MS * (1 + random() / 2) - silenceMs);
  }

  function question(): void {
    ask(leader?.told === undefined ? "hello" : "ping");
    noteQuestion();
  }

  function noteQuestion(): void {
    askedAt = clock.now();
    questions += 1;
    schedule(Math.min(LONGEST_ANSWER_MS, ANSWER_MS * 2 ** Math.max(0, unread - PATIENCE)));
  }

  function check(lateMs: number): void {
    const isHeard = leader !== undefined && heardAt >= askedAt;
    const silenceMs = clock.now() - heardAt;
    if (isHeard && leader?.told !== undefined && silenceMs < SILENCE_MS) {
      rest(silenceMs);
      return;
    }
    unread = isHeard && leader?.told === undefined ? unread + 1 : 0;
    // A tab that was busy or slept has not heard the answer yet; one that is hidden is always late.
    const wasBusy = lateMs > LATE_MS && !isLate;
    isLate = wasBusy;
    // A leader that was heard, but whose snapshot was not, is asked for another.
    if (isHeard || wasBusy) questions = 0;
    if (questions < QUESTIONS) {
      question();
      return;
    }
    leader = undefined;
    rest();
    onMissing();
  }

  function takeNews(message: LeaderMessage & { readonly type: "news" | "snapshot" }): void {
    const delayMs = Math.max(0, clock.wallMs() - message.sentAt);
    for (const event of message.events) {
      onEvent(event.type === "availability" ? { ...event, ageMs: event.ageMs + delayMs } : event);
    }
  }

  /** Has missed something: a snapshot makes up for it. */
  function lose(current: Leader): void {
    current.told = undefined;
    current.held = [];
    question();
  }

  function hold({ held }: Leader, message: LeaderMessage): void {
    held.push(message);
    if (held.length > MOST_HELD) held.shift();
  }

  function take(current: Leader, message: LeaderMessage): void {
    const { told } = current;
    switch (message.type) {
      case "lead":
        if (told !== undefined && told < message.told) lose(current);
        return;
      case "news":
        if (told === undefined) hold(current, message);
        else if (message.told === told + 1) {
          current.told = message.told;
          takeNews(message);
        } else if (message.told > told) lose(current);
        return;
      case "snapshot": {
        if (told !== undefined) return;
        current.told = message.told;
        unread = 0;
        takeNews(message);
        const held = current.held.splice(0);
        for (const news of held) take(current, news);
      }
    }
  }

  return {
    begin() {
      leader = undefined;
      question();
    },
    look() {
      questions = 0;
      question();
    },
    hearLeader(message) {
      if (leader && outranks(leader, message)) return false;
      heardAt = clock.now();
      const isNew = leader?.from !== message.from || leader.term !== message.term;
      if (isNew) {
        unread = 0;
        const isKnown = message.type === "lead" && message.cursor !== undefined && message.cursor === cursor();
        leader = { from: message.from, term: message.term, told: isKnown ? message.told : undefined, held: [] };
        if (isKnown) rest();
        else if (message.type !== "snapshot") lose(leader);
      }
      if (leader) take(leader, message);
      return isNew;
    },
    hearPing() {
      if (questions === 0 && leader?.told !== undefined) noteQuestion();
    },
    hearBye(from) {
      if (leader?.from !== from) return false;
      leader = undefined;
      rest();
      return true;
    },
    stop() {
      callOff();
      leader = undefined;
    },
  };
}
