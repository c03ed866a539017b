/** Entry point of the widget's live part. */
import { afterTask } from "./after-task.ts";
import type { OpenFeed } from "./change-feed.ts";
import { onPageShown } from "./stream/page-resume.ts";
import { createSharedFeed as createFeed, type SharedFeedOptions } from "./tabs/shared-feed.ts";

export { createLive } from "./live.ts";
export { createFeedEventParser } from "./stream/feed-event.ts";
export { createLiveApi } from "./stream/live-api.ts";
export { createVisibility, onPageResume } from "./stream/page-resume.ts";
export { createStreamFeed } from "./stream/stream-feed.ts";
export { createPanelFeed } from "./tabs/panel-feed.ts";

export interface TabFeedOptions extends SharedFeedOptions {
  /** Called when the page is shown, from the first feed on. */
  readonly onShown: () => void;
}

/** Creates the feed of all tabs, which lets the page's answer go first: to open a shared worker takes longer than to answer. */
export function createSharedFeed({ onShown, ...options }: TabFeedOptions): OpenFeed {
  const openFeed = createFeed({ ...options, verifyToken: afterTask(options.verifyToken) });
  let hasOpened = false;

  return (feedOptions) => {
    // No earlier, because of what the listener costs in Chromium. The feed costs the same.
    if (!hasOpened) onPageShown(document, onShown);
    hasOpened = true;
    return openFeed(feedOptions);
  };
}
