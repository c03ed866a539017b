/** The feed of a tab that shares with no other. */
import type { ChangeFeed, OpenFeed } from "../change-feed.ts";

/** Time without a stream in a hidden page, in milliseconds. */
const HIDDEN_PAUSE_MS = 15_000;

/**
 * Creates a function that opens feeds, each with a stream while its page is visible. A hidden page only catches up from
 * time to time, because a browser opens six HTTP/1.1 connections to a host: six hidden pages with streams would leave
 * the visible page without.
 */
export function createOwnFeed(openFeed: OpenFeed, isHidden: () => boolean): OpenFeed {
  return ({ onEvent, ...options }) => {
    let { userIds, cursor } = options;
    let feed: ChangeFeed | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;

    function open(): void {
      clearTimeout(timer);
      feed = openFeed({
        userIds,
        cursor,
        onEvent(event) {
          cursor = event.type === "reset" ? undefined : (event.cursor ?? cursor);
          onEvent(event);
          // A heartbeat follows all that the page has missed.
          if (event.type !== "heartbeat" || !feed || !isHidden()) return;
          close();
          timer = setTimeout(open, HIDDEN_PAUSE_MS);
        },
      });
    }

    function close(): void {
      clearTimeout(timer);
      feed?.close();
      feed = undefined;
    }

    open();
    return {
      follow(next) {
        // Users added in a pause need a snapshot.
        if (!feed) cursor = undefined;
        userIds = next;
        feed?.follow(next);
      },
      checkConnection(hasSlept) {
        if (feed) feed.checkConnection(hasSlept);
        else open();
      },
      retryNow: () => feed?.retryNow(),
      close,
    };
  };
}
