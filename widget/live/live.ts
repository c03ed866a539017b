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
import { createAvailabilityStore } from "./availability-store.ts";
import type { Feed, FeedEvent, OpenFeed } from "./feed.ts";

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
  /** The user that the page's token stands for; `undefined` where it stands for none. */
  readonly ownUserId: () => number | undefined;
}

/** The live part of the widget. */
export interface Live {
  /** Follows what is wanted from now on. Nothing wanted ends the feed. */
  follow(wanted: Wanted): void;
  /** Of these users, those that nothing is known of: they have to be asked for. */
  missing(userIds: Iterable<number>): readonly number[];
  /**
   * The newest availabilities of users whom the page has begun to watch, with those that were just read. What it is told here
   * is not announced to it; until then nothing of them is.
   */
  tell(userIds: Iterable<number>, read: Availabilities): Availabilities;
  /** The page has another token: the feed begins anew where it is another user's, or had ended. */
  renew(): void;
  /** Sees to it that nothing was missed, as after a sleep. */
  wake(): void;
}

const NOBODY: Wanted = { everyone: false, userIds: new Set() };

/** Creates a live part that follows nobody yet. */
export function createLive({ openFeed, announce, ownUserId }: LiveOptions): Live {
  const store = createAvailabilityStore();
  /** The versions that the page has been told of. */
  const told = new Map<number, number>();
  let wanted = NOBODY;
  let feed: Feed | undefined;
  let feedOwner: number | undefined;
  let feedsEveryone = false;
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
    told.set(userId, availability.version);
    const type = userId === ownUserId() ? "USER.AVAILABILITY_CHANGED" : "USER.TEAMMATE_AVAILABILITY_CHANGED";
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
        store.remove(event.userId, event.version);
        return;
      case "reset":
        unnamed = new Set(store.userIds());
        return;
      case "current":
        for (const userId of unnamed) store.remove(userId, Number.POSITIVE_INFINITY);
        unnamed.clear();
        return;
      case "refused":
        close();
    }
  }

  function close(): void {
    feed?.close();
    feed = undefined;
  }

  function forget(): void {
    store.clear();
    told.clear();
    awaited.clear();
  }

  function open(): void {
    feedOwner = ownUserId();
    feed = openFeed({ onEvent });
  }

  function reopen(): void {
    close();
    open();
  }

  return {
    follow(next) {
      for (const userId of next.userIds) if (!isWanted(userId)) awaited.add(userId);
      wanted = next;
      if (!next.everyone && next.userIds.size === 0) {
        close();
        forget();
        return;
      }
      for (const userId of store.userIds()) if (!isWanted(userId)) store.remove(userId, Number.POSITIVE_INFINITY);
      for (const userId of told.keys()) if (!isWanted(userId)) told.delete(userId);
      for (const userId of awaited) if (!next.userIds.has(userId)) awaited.delete(userId);
      if (!feed) open();
      // Whoever joins a feed for everyone that runs already is told of what the others were told before.
      else if (!feedsEveryone && next.everyone) reopen();
      feedsEveryone = next.everyone;
    },
    missing: (userIds) => [...userIds].filter((userId) => store.read(userId) === undefined),
    tell(userIds, read) {
      const newest: Record<string, Availability> = {};
      for (const availability of Object.values(read)) if (isWanted(availability.userId)) store.offer(availability, 0);
      for (const userId of userIds) {
        awaited.delete(userId);
        const availability = store.read(userId)?.availability ?? read[userId];
        if (!availability) continue;
        newest[userId] = availability;
        told.set(userId, Math.max(availability.version, told.get(userId) ?? -1));
      }
      return newest;
    },
    renew() {
      if (feed && feedOwner === ownUserId()) return;
      if (feed) {
        close();
        forget();
      }
      if (wanted.everyone || wanted.userIds.size > 0) open();
    },
    wake: () => feed?.wake(),
  };
}
