/** Shared worker that holds one stream for all tabs with the same sharing key, which is the worker's name. */
import * as v from "valibot";
import { parseChangedAvailability } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import type { ChangeFeed } from "./live/change-feed.ts";
import { createFeedEventParser } from "./live/stream/feed-event.ts";
import { createLiveApi } from "./live/stream/live-api.ts";
import { createStreamFeed } from "./live/stream/stream-feed.ts";
import { createBorrowedTokenSession } from "./live/tabs/borrowed-token-session.ts";
import { browserClock } from "./live/tabs/tab-clock.ts";
import { joinTabGroup } from "./live/tabs/tab-group.ts";
import { createWebLocksElection } from "./live/tabs/web-locks-election.ts";

const Message = v.variant("type", [
  v.object({ type: v.literal("join"), apiBase: v.string() }),
  v.object({ type: v.literal("leave") }),
]);

const session = createBorrowedTokenSession();
let feed: ChangeFeed | undefined;

function joinGroup(apiBase: string): ChangeFeed {
  const { openLive } = createHttpGatewayClient(new URL(apiBase), session);
  const parseEvent = createFeedEventParser(parseChangedAvailability);
  const liveApi = createLiveApi({ openLive, parseChanged: parseChangedAvailability });
  return joinTabGroup(
    {
      name: self.name,
      id: crypto.getRandomValues(new Uint32Array(4)).join("-"),
      openChannel: (name) => new BroadcastChannel(name),
      parseEvent,
      openElection: createWebLocksElection(navigator.locks),
      openOwnFeed: createStreamFeed({ ...liveApi, parseEvent, onDefect: reportError }),
      clock: browserClock,
      random: Math.random,
    },
    {
      onEvent({ type }) {
        // The worker joins the group again when a tab with an accepted token joins.
        if (type === "unauthorized") feed = undefined;
      },
    },
  );
}

function onMessage(port: MessagePort, data: unknown): void {
  const message = v.parse(Message, data);
  if (message.type === "join") {
    session.providers.add(port);
    feed ??= joinGroup(message.apiBase);
    return;
  }
  session.providers.delete(port);
  if (session.providers.size > 0) return;
  feed?.close();
  feed = undefined;
}

self.addEventListener("connect", (event) => {
  const [port] = event instanceof MessageEvent ? event.ports : [];
  if (port) port.onmessage = ({ data }) => onMessage(port, data);
});
