/** The worker's side of a shared feed: one feed, whose events go to every tab that has joined. */
import type { TokenSession } from "../../gateway/session.ts";
import type { ChangeFeed, FeedEvent, OpenFeed } from "../change-feed.ts";
import { concerns, covers, type FollowedUsers, toStreamed } from "../followed-users.ts";
import { createBorrowedTokenSession } from "./borrowed-token.ts";
import { createFeedCache } from "./feed-cache.ts";
import type { TabPort } from "./worker-message.ts";

/**
 * Creates a hub without tabs, and returns the function that adds a tab. The hub has a feed while there are tabs.
 * `createFeed` creates the function that opens a feed with the tokens of a session.
 */
export function createTabHub(createFeed: (session: TokenSession) => OpenFeed): (port: TabPort) => void {
  const tabs = new Map<TabPort, { readonly userIds: FollowedUsers; readonly count: number }>();
  // The tab that joined last is the least likely to have crashed.
  const session = createBorrowedTokenSession(() => [...tabs.keys()].reverse(), drop);
  const openFeed = createFeed(session);
  let feed: ChangeFeed | undefined;
  let cache = createFeedCache();
  let followed: FollowedUsers;
  /** Tabs that have got a snapshot without its end. A feed that resumes does not send another. */
  const incomplete = new Set<TabPort>();
  /** Events to send at the end of the current task: a stream delivers hundreds at once. */
  let pending: FeedEvent[] = [];

  function send(port: TabPort, events: readonly FeedEvent[]): void {
    port.postMessage({ type: "events", events, sentAt: performance.now(), followCount: tabs.get(port)?.count });
  }

  function flush(): void {
    const events = pending;
    pending = [];
    for (const [port, { userIds }] of tabs) {
      const own = events.filter((event) => concerns(event, userIds));
      if (own.length > 0) send(port, own);
    }
    if (events.some(({ type }) => type === "current")) incomplete.clear();
    if (events.some(({ type }) => type === "heartbeat")) for (const port of incomplete) sendSnapshot(port);
  }

  /** Sends all that the feed has reported of the tab's users. */
  function sendSnapshot(port: TabPort): void {
    const snapshot = cache.toSnapshot(tabs.get(port)?.userIds);
    incomplete.add(port);
    sendAll(port, snapshot);
  }

  /** Sends events after which the tab has all that the feed has reported of its users. */
  function sendAll(port: TabPort, events: readonly FeedEvent[]): void {
    if (events.some(({ type }) => type === "current")) incomplete.delete(port);
    send(port, events);
  }

  function handleEvent(event: FeedEvent): void {
    cache.apply(event, followed);
    // Each tab opens a feed of its own then, and learns what the gateway says about its own token.
    if (event.type === "unauthorized") for (const port of tabs.keys()) drop(port);
    else if (pending.push(event) === 1) queueMicrotask(flush);
  }

  /** The users of all tabs; `undefined` for all users, or for more than a stream can name. */
  function unionOfTabs(): FollowedUsers {
    const union = new Set<number>();
    for (const { userIds } of tabs.values()) {
      if (!userIds) return undefined;
      for (const userId of userIds) union.add(userId);
    }
    return toStreamed(union);
  }

  /** Makes the feed report the users of all tabs. A snapshot follows if there are others than before. */
  function updateFeed(): void {
    const [union, before] = [unionOfTabs(), followed];
    // The users of a tab that has left stay until others come: a page that loads anew must not cause two streams.
    if (feed && (union && before ? covers(before, union) : union === before)) return;
    followed = union;
    if (feed && union && before) feed.follow(union);
    else {
      feed?.close();
      feed = openFeed({ userIds: union, onEvent: handleEvent });
    }
  }

  function follow(port: TabPort, userIds: FollowedUsers, count: number): void {
    flush();
    const before = tabs.get(port);
    tabs.set(port, { userIds, count });
    if (!feed) cache = createFeedCache();
    updateFeed();
    if (before) sendAll(port, cache.toAdditions(userIds, before.userIds));
    else sendSnapshot(port);
  }

  function remove(port: TabPort): void {
    tabs.delete(port);
    incomplete.delete(port);
    port.close();
    if (tabs.size > 0) return;
    feed?.close();
    feed = undefined;
  }

  function drop(port: TabPort): void {
    port.postMessage({ type: "end" });
    remove(port);
  }

  return (port) => {
    port.onmessage = ({ data }) => {
      if (data.type === "follow") follow(port, data.userIds, data.count);
      else if (data.type === "leave") remove(port);
      else {
        if (data.type === "check") feed?.checkConnection(data.hasSlept);
        send(port, []);
      }
    };
  };
}
