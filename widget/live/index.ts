/** The entry of the widget's live part. */
export { createFeedCalls } from "./feed-calls.ts";
export { createFeedEventReader } from "./feed-event.ts";
export { createLive } from "./live.ts";
export { createSharedFeed } from "./shared-feed.ts";
export { createStreamFeed } from "./stream-feed.ts";
export { listenForWakeUps } from "./wake-ups.ts";
