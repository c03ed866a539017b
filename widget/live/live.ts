/**
 * The live part of the widget: follows the users that the page wants to hear of, and announces their changes. It is a file
 * of its own, which a page that only asks never loads; what it shares with the widget's document is handed in.
 */

import type {
  Availabilities,
  Availability,
  ChangedAvailability,
  userAnnouncements,
} from "../../shared/contracts/availability.ts";
import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";
import type { KnownAvailabilities } from "../gateway/gateway-client.ts";
import { createAvailabilityStore } from "./availability-store.ts";
import type { Feed, FeedEvent, OpenFeed } from "./feed.ts";
import { createWatchWarnings } from "./watch-warnings.ts";
import { createWrapUpClock } from "./wrap-up-clock.ts";

/** What a page wants to hear of. */
export interface Wanted {
  /** Whether it is every user that the token may see. */
  readonly everyone: boolean;
  readonly userIds: ReadonlySet<number>;
}

export interface LiveOptions {
  /** Opens the feed for the page's token as it is now. */
  readonly openFeed: OpenFeed;
  /** Announces an event to the page. */
  readonly announce: (type: keyof typeof userAnnouncements, payload: ChangedAvailability) => void;
  /** Resolves with whom the page's token names, once the page has said: an agent by its id, the operator, or nobody. */
  readonly identify: () => Promise<string | undefined>;
  /** Asks the page for another token than the one that the backend does not take. `renew` is called where it gives one. */
  readonly askForToken: () => void;
  readonly ringIn: AlarmClock["ringIn"];
  /** Asks for a user whose wrap-up time has run down. What that brings is told to `known`. */
  readonly readAgain: (userId: number) => void;
}

/** The live part of the widget. */
export interface Live {
  /** Follows what is wanted from now on. Nothing wanted ends the feed. */
  follow(wanted: Wanted): void;
  /** Of these users, those that nothing is known of: they have to be asked for. */
  missing(userIds: Iterable<number>): readonly number[];
  /**
   * The newest availabilities of users whom the page has begun to watch, with those that were read this long ago, in
   * milliseconds. What it is told here is not announced to it; until then nothing of them is.
   */
  tell(userIds: Iterable<number>, read: Availabilities, ageMs: number): Availabilities;
  /** Announces cached availabilities of users that the response to the page's request left out, because of this error. */
  release(userIds: Iterable<number>, error: unknown): void;
  /** The backend takes no token of the page's any more: nothing is known and nothing followed until `renew`. */
  end(): void;
  /** The page has another token: the feed begins anew where it is another user's, or had ended. */
  renew(): Promise<void>;
  /** Sees to it that nothing was missed, as after a sleep. Whoever is back may have signed in again. */
  wake(): void;
  /** What is known of the users that the page wants to hear of. */
  readonly known: KnownAvailabilities;
}

const NOBODY: Wanted = { everyone: false, userIds: new Set() };

/** Creates a live part that follows nobody yet. */
export function createLive(options: LiveOptions): Live {
  const { openFeed, announce, identify, askForToken, ringIn, readAgain } = options;
  const store = createAvailabilityStore({ wrapUps: createWrapUpClock(ringIn, readAgain) });
  const warnings = createWatchWarnings();
  /** The versions that the page has been told of. */
  const told = new Map<number, number>();
  let wanted = NOBODY;
  let feed: Feed | undefined;
  /** Counts the feeds, so that one that is about to be opened can tell that it has been called off. */
  let turn = 0;
  let isOpening = false;
  /** Whom the page's token named when the last feed was opened; null before the first. */
  let subject: string | undefined | null = null;
  /** Whether the backend takes no token of the page's, so that nothing is followed until it gives another. */
  let hasEnded = false;
  /** Users whom the page watches, and is about to be told of by the answer to its request. */
  const awaited = new Set<number>();
  /** The users that a snapshot has not named so far. */
  let unnamed = new Set<number>();

  function isWanted(userId: number): boolean {
    return wanted.everyone || wanted.userIds.has(userId);
  }

  function announceNews(userId: number): void {
    const kept = store.read(userId);
    if (!kept || kept.updatedAt === undefined || awaited.has(userId)) return;
    const { availability, updatedAt } = kept;
    if (availability.version <= (told.get(userId) ?? -1)) return;
    hasTold(userId, availability.version);
    const type = String(userId) === subject ? "USER.AVAILABILITY_CHANGED" : "USER.TEAMMATE_AVAILABILITY_CHANGED";
    announce(type, { ...availability, updatedAt });
  }

  function onEvent(event: FeedEvent): void {
    switch (event.type) {
      case "availability": {
        const { availability, ageMs } = event;
        const { updatedAt, ...bare } = availability;
        if (!isWanted(bare.userId)) return;
        store.offer(bare, ageMs, updatedAt);
        unnamed.delete(bare.userId);
        announceNews(bare.userId);
        return;
      }
      case "removal":
        if (!isWanted(event.userId)) return;
        store.remove(event.userId, event.version);
        // A read that was under way may still say how the user was before.
        hasTold(event.userId, event.version);
        return;
      case "reset":
        unnamed = new Set(store.userIds());
        return;
      case "current":
        for (const userId of unnamed) store.lose(userId);
        unnamed.clear();
        return;
      case "refused":
        end();
    }
  }

  function hasTold(userId: number, version: number): void {
    told.set(userId, Math.max(version, told.get(userId) ?? -1));
  }

  /** Keeps what was read this long ago. */
  function take(availability: Availability, ageMs: number): void {
    const { userId, version } = availability;
    if (isWanted(userId) && version >= (told.get(userId) ?? 0)) store.offer(availability, ageMs);
  }

  function close(): void {
    turn += 1;
    isOpening = false;
    feed?.close();
    feed = undefined;
  }

  async function open(): Promise<void> {
    const mine = turn;
    isOpening = true;
    const current = await identify();
    if (mine !== turn) return;
    isOpening = false;
    // What the first feed's page has been answered by now was for the same token.
    if (subject !== null && current !== subject) forget();
    subject = current;
    feed = openFeed({ onEvent });
  }

  /** What one agent was told is nothing for another, to whom everything is new. */
  function forget(): void {
    store.clear();
    told.clear();
  }

  function end(): void {
    hasEnded = true;
    close();
    // Whoever asks is told by the backend that its token is not taken, and not by what was known. The page, which is told of
    // the end, takes nothing that it has heard for current any more.
    forget();
  }

  function isIdle(): boolean {
    return !wanted.everyone && wanted.userIds.size === 0;
  }

  return {
    follow(next) {
      for (const userId of next.userIds) if (!isWanted(userId)) awaited.add(userId);
      const joinsEveryone = next.everyone && !wanted.everyone;
      wanted = next;
      for (const userId of awaited) if (!next.userIds.has(userId)) awaited.delete(userId);
      store.keepOnly(isWanted);
      for (const userId of told.keys()) if (!isWanted(userId)) told.delete(userId);
      if (isIdle()) {
        close();
        // Whoever wants something next may be another page, whose token nobody has refused.
        hasEnded = false;
      } else if (hasEnded) return;
      else if (!feed && !isOpening) void open();
      else if (joinsEveryone && feed) {
        // What it has told of the others is not kept: a snapshot tells it again.
        close();
        void open();
      }
    },
    missing: (userIds) => [...userIds].filter((userId) => store.read(userId) === undefined),
    tell(userIds, read, ageMs) {
      const newest: Record<string, Availability> = {};
      for (const availability of Object.values(read)) take(availability, ageMs);
      for (const userId of userIds) {
        awaited.delete(userId);
        // Whom another request has taken out of the watch meanwhile is not kept, and told as read.
        const availability = isWanted(userId) ? store.read(userId)?.availability : read[userId];
        if (!availability) {
          // A read that is older than the removal of its user brings one all the same.
          if (!read[userId]) warnings.warnOfUnknownAgent(userId);
          continue;
        }
        newest[userId] = availability;
        if (isWanted(userId)) hasTold(userId, availability.version);
      }
      return newest;
    },
    release(userIds, error) {
      warnings.warnOfRejection(error);
      for (const userId of userIds) {
        awaited.delete(userId);
        announceNews(userId);
      }
    },
    end,
    async renew() {
      hasEnded = false;
      // Who is about to open a feed asks whose it is at the last moment.
      if (isIdle() || isOpening) return;
      const mine = turn;
      if (feed && (await identify()) === subject) return;
      if (mine !== turn) return;
      close();
      void open();
    },
    wake() {
      if (hasEnded && !isIdle()) askForToken();
      else feed?.wake();
    },
    known: {
      find: store.hold,
      newest(availability) {
        take(availability, 0);
        return store.read(availability.userId)?.availability ?? availability;
      },
    },
  };
}
