/** The feed of the widget's panel in a page without watches. */
import type { OpenFeed } from "../change-feed.ts";
import { createOwnFeed } from "./own-feed.ts";

export interface PanelFeedOptions {
  /** The widget's document. */
  readonly document: EventTarget;
  /** Opens a feed for this tab alone. */
  readonly openOwnFeed: OpenFeed;
  /** Opens the feed of the page's watches. */
  readonly openFeed: OpenFeed;
  readonly isVisible: () => boolean;
}

/**
 * Creates a function that opens feeds. In Chromium each feed has a stream while the tab is visible, without a shared worker and without a
 * listener to the end of the document: with either, Chromium does not replace a hung widget. Firefox and WebKit never do, and get the page's
 * feed.
 */
export function createPanelFeed({ document, openOwnFeed, openFeed, isVisible }: PanelFeedOptions): OpenFeed {
  // Chromium alone has the event.
  if (!("onfreeze" in document)) return openFeed;
  const openTabFeed = createOwnFeed(openOwnFeed, () => !isVisible());

  return (options) => {
    const life = new AbortController();
    const feed = openTabFeed(options);
    // Before the tab is frozen or kept in the back/forward cache. `checkConnection` opens a new stream afterwards.
    document.addEventListener("freeze", feed.close, { signal: life.signal });
    return {
      ...feed,
      close() {
        life.abort();
        feed.close();
      },
    };
  };
}
