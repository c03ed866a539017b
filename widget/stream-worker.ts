/** The shared worker of all tabs of a browser that read as the same agent: it has their stream. Its name is what they share. */
import * as v from "valibot";
import { readChanged } from "./gateway/changed-availability.ts";
import { createHttpGatewayClient } from "./gateway/http-gateway-client.ts";
import type { Feed } from "./live/feed.ts";
import { createFeedCalls } from "./live/stream/feed-calls.ts";
import { createFeedEventReader } from "./live/stream/feed-event.ts";
import { createStreamFeed } from "./live/stream/stream-feed.ts";
import { createLockElection } from "./live/tabs/leader-by-locks.ts";
import { createLentSession } from "./live/tabs/lent-session.ts";
import { browserClock } from "./live/tabs/tab-clock.ts";
import { joinTabGroup } from "./live/tabs/tab-group.ts";

const Message = v.variant("type", [
  v.object({ type: v.literal("join"), apiBase: v.string() }),
  v.object({ type: v.literal("leave") }),
]);

const session = createLentSession();
let feed: Feed | undefined;

function lead(apiBase: string): Feed {
  const { follow } = createHttpGatewayClient(new URL(apiBase), session);
  const readEvent = createFeedEventReader(readChanged);
  const calls = createFeedCalls({ follow, readChanged });
  return joinTabGroup(
    {
      name: self.name,
      id: crypto.getRandomValues(new Uint32Array(4)).join("-"),
      openChannel: (name) => new BroadcastChannel(name),
      readEvent,
      openElection: createLockElection(navigator.locks),
      openOwn: createStreamFeed({ ...calls, readEvent, onDefect: reportError }),
      clock: browserClock,
      random: Math.random,
    },
    {
      onEvent({ type }) {
        // It leads again once a tab comes whose token holds.
        if (type === "refused") feed = undefined;
      },
    },
  );
}

function onMessage(port: MessagePort, data: unknown): void {
  const message = v.parse(Message, data);
  if (message.type === "join") {
    session.lenders.add(port);
    feed ??= lead(message.apiBase);
    return;
  }
  session.lenders.delete(port);
  if (session.lenders.size > 0) return;
  feed?.close();
  feed = undefined;
}

self.addEventListener("connect", (event) => {
  const [port] = event instanceof MessageEvent ? event.ports : [];
  if (port) port.onmessage = ({ data }) => onMessage(port, data);
});
