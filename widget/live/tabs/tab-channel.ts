import type { ParseFeedEvent } from "../stream/event-stream.ts";
import type { OutgoingMessage, TabMessage } from "./tab-message.ts";
import { decodeMessage, encodeMessage } from "./tab-message-codec.ts";

/** The parts of `BroadcastChannel` in use. */
export interface Channel {
  onmessage: ((event: MessageEvent) => unknown) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Connects this tab to the other tabs of the same name. */
export interface TabChannel {
  post(message: OutgoingMessage): void;
  /** Sends to one tab alone, on a private channel: a snapshot is large, and costs every receiving tab. */
  postTo(tab: string, message: OutgoingMessage): void;
  close(): void;
}

export interface TabChannelOptions {
  readonly name: string;
  /** The id of this tab. */
  readonly id: string;
  readonly openChannel: (name: string) => Channel;
  readonly parseEvent: ParseFeedEvent;
  readonly onMessage: (message: TabMessage) => void;
}

/** Opens the channel shared by all tabs and the private channel of this tab. */
export function openTabChannel({ name, id, openChannel, parseEvent, onMessage }: TabChannelOptions): TabChannel {
  let isClosed = false;

  function open(channelName: string): Channel {
    const channel = openChannel(channelName);
    channel.onmessage = ({ data }) => {
      const message = decodeMessage(data, parseEvent);
      if (message && message.from !== id && !isClosed) onMessage(message);
    };
    return channel;
  }

  const all = open(name);
  const own = open(privateName(name, id));
  return {
    post: (message) => all.postMessage(encodeMessage({ ...message, from: id })),
    postTo(tab, message) {
      const channel = openChannel(privateName(name, tab));
      channel.postMessage(encodeMessage({ ...message, from: id }));
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
