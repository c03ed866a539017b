/** The entry of the widget's live part. */

export { createLive } from "./live.ts";
export { createFeedCalls } from "./stream/feed-calls.ts";
export { createFeedEventReader } from "./stream/feed-event.ts";
export { createStreamFeed } from "./stream/stream-feed.ts";
export { listenForWakeUps } from "./stream/wake-ups.ts";
export { createSharedFeed } from "./tabs/shared-feed.ts";
