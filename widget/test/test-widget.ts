/** The widget for tests: over real HTTP and with the live part. The test plays the page. */

import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { parseChangedAvailability } from "../gateway/changed-availability.ts";
import { createHttpGatewayClient } from "../gateway/http-gateway-client.ts";
import { createFeedEventParser, createLive, createLiveApi, createStreamFeed } from "../live/index.ts";
import { createWidget, type Widget, type WidgetOptions } from "../widget.ts";

export interface TestWidgetOptions extends Pick<WidgetOptions, "post" | "onDefect"> {
  /** The backend's origin. */
  readonly backend: string;
  /** The page's origin. @default none */
  readonly pageOrigin?: string;
}

/** Creates a widget over the backend at an origin. */
export function createTestWidget({ backend, post, onDefect, pageOrigin }: TestWidgetOptions): Widget {
  return createWidget({
    post,
    pageOrigin: () => pageOrigin,
    createGateway: (session) => createHttpGatewayClient(new URL("/v1/", backend), session),
    async loadLive({ openLive }, options) {
      const calls = createLiveApi({ openLive, parseChanged: parseChangedAvailability });
      const openFeed = createStreamFeed({
        ...calls,
        parseEvent: createFeedEventParser(parseChangedAvailability),
        onDefect,
        createTimers: createTimerQueue,
      });
      return createLive({ ...options, openFeed, isVisible: () => true });
    },
    onDefect,
    reloadDocument() {},
    onIdentityChanged() {},
  });
}
