/** The widget's core as tests have it: over HTTP as ever, live part and all, for a page that the test plays. */

import { type Core, type CoreOptions, createCore } from "../core.ts";
import { readChanged } from "../gateway/changed-availability.ts";
import { createHttpGatewayClient } from "../gateway/http-gateway-client.ts";
import { createFeedEventParser, createLive, createLiveApi, createStreamFeed } from "../live/index.ts";

export interface TestCoreOptions extends Pick<CoreOptions, "post" | "onDefect"> {
  /** The backend's origin. */
  readonly backend: string;
}

/** Creates a core over the backend at an origin. */
export function createTestCore({ backend, post, onDefect }: TestCoreOptions): Core {
  return createCore({
    post,
    pageOrigin: () => undefined,
    createGateway: (session) => createHttpGatewayClient(new URL("/v1/", backend), session),
    async loadLive({ follow }, options) {
      const calls = createLiveApi({ follow, parseChanged: readChanged });
      const openFeed = createStreamFeed({ ...calls, parseEvent: createFeedEventParser(readChanged), onDefect });
      return createLive({ ...options, openFeed });
    },
    onDefect,
  });
}
