/** Shared worker that holds one stream for all tabs with the same sharing key. Its name is the gateway's address and the key. */
import "./older-browsers.ts";
import { createTimerQueue } from "../shared/runtime/timer-queue.ts";
import { parseChangedAvailability } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import { createFeedEventParser } from "./live/stream/feed-event.ts";
import { createLiveApi } from "./live/stream/live-api.ts";
import { createStreamFeed } from "./live/stream/stream-feed.ts";
import { createTabHub } from "./live/tabs/tab-hub.ts";

const [apiBase = ""] = self.name.split(" ", 1);

const connect = createTabHub((session) => {
  const { openLive } = createHttpGatewayClient(new URL(apiBase), session);
  const parseEvent = createFeedEventParser(parseChangedAvailability);
  const api = createLiveApi({ openLive, parseChanged: parseChangedAvailability });
  return createStreamFeed({ ...api, parseEvent, onDefect: reportError, createTimers: createTimerQueue });
});

self.addEventListener("connect", (event) => {
  const [port] = event instanceof MessageEvent ? event.ports : [];
  if (port) connect(port);
});
