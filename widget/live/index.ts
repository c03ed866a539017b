/** Entry point of the widget's live part. */

export { createLive } from "./live.ts";
export { createFeedEventParser } from "./stream/feed-event.ts";
export { createLiveApi } from "./stream/live-api.ts";
export { onPageResume } from "./stream/page-resume.ts";
export { createStreamFeed } from "./stream/stream-feed.ts";
export { createSharedFeed } from "./tabs/shared-feed.ts";
