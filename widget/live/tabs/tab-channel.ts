import type { ReadFeedEvent } from "../stream/event-stream.ts";
import type { TabMessage, TabNews } from "./tab-message.ts";
import { fromWire, toWire } from "./tab-wire.ts";

/** What is used of a `BroadcastChannel`. */
export interface Channel {
  onmessage: ((event: MessageEvent) => unknown) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** A tab's way to the others that share a name with it. */
export interface TabChannel {
  post(news: TabNews): void;
  /** Tells one tab alone, on a channel of its own: a snapshot is large, and costs every tab that gets it. */
  postTo(tab: string, news: TabNews): void;
  close(): void;
}

export interface TabChannelOptions {
  readonly name: string;
  /** This tab's. */
  readonly id: string;
  readonly openChannel: (name: string) => Channel;
  readonly readEvent: ReadFeedEvent;
  readonly onMessage: (message: TabMessage) => void;
}

/** Opens a tab's channels: the one of all, and the one on which it alone is told. */
export function openTabChannel({ name, id, openChannel, readEvent, onMessage }: TabChannelOptions): TabChannel {
  let isClosed = false;

  function open(channelName: string): Channel {
    const channel = openChannel(channelName);
    channel.onmessage = ({ data }) => {
      const message = fromWire(data, readEvent);
      if (message && message.from !== id && !isClosed) onMessage(message);
    };
    return channel;
  }

  const all = open(name);
  const own = open(privateName(name, id));
  return {
    post: (news) => all.postMessage(toWire({ ...news, from: id })),
    postTo(tab, news) {
      const channel = openChannel(privateName(name, tab));
      channel.postMessage(toWire({ ...news, from: id }));
      channel.close();
    },
    close() {
      isClosed = true;
      all.close();
      own.close();
    },
  };
}

function privateName(name: string, tab: string): string {
  return `${name} ${tab}`;
}
