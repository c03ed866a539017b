/** Reads one stream of server-sent events until the stream ends. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { FeedEvent } from "../change-feed.ts";
import type { LiveApi } from "./live-api.ts";
import { MalformedResponseError } from "./live-failure.ts";

/** Parses the unchecked name and data of a server-sent event. Returns `undefined` for an unknown event. */
export type ParseFeedEvent = (name: string, data: string) => FeedEvent | undefined;

export interface EventStreamOptions {
  readonly openStream: LiveApi["openStream"];
  /** @throws if the data does not match the name. */
  readonly parseEvent: ParseFeedEvent;
  /** The position to resume from. */
  readonly cursor: string | undefined;
  readonly signal: AbortSignal;
  /** Called for every chunk. */
  readonly onBytes: () => void;
  /** Called for every event and empty comment. */
  readonly onHeartbeat: () => void;
  /** Called for every empty comment: the gateway has nothing more to send at that moment. */
  readonly onComment: () => void;
  /**
   * `cursor` is the position to resume from after the event. An empty string means no position, `undefined` means
   * unchanged.
   */
  readonly onEvent: (event: FeedEvent | undefined, cursor: string | undefined) => void;
  /** Receives the gateway's reconnection delay, in milliseconds. */
  readonly onRetry: (milliseconds: number) => void;
}

/** Maximum number of characters of a line and of an event. The gateway's events are far shorter. */
const MAX_LENGTH = 1024 * 1024;

/**
 * Resolves when the stream has ended.
 *
 * @throws {MalformedResponseError} if an event does not follow the gateway's protocol. @throws the errors of
 * `openStream`.
 */
export async function readEventStream(options: EventStreamOptions): Promise<void> {
  const { openStream, parseEvent, cursor, signal, onBytes, onHeartbeat, onComment, onEvent, onRetry } = options;
  const parser = createParser({
    maxBufferSize: MAX_LENGTH,
    onComment(text) {
      // A stream begins with a comment that has a text, before the gateway knows what the client has missed.
      if (text !== "") return;
      onHeartbeat();
      if (!signal.aborted) onComment();
    },
    onRetry,
    onError(error) {
      throw error;
    },
    onEvent({ event = "", data, id }: EventSourceMessage) {
      onHeartbeat();
      if (!signal.aborted) onEvent(parseEvent(event, data), id);
    },
  });
  const reader = (await openStream(signal, cursor)).getReader();
  // Firefox has no `TextDecoderStream` before 105.
  const decoder = new TextDecoder();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    onBytes();
    feed(parser, decoder.decode(next.value, { stream: true }));
  }
}

function feed(parser: ReturnType<typeof createParser>, text: string): void {
  try {
    parser.feed(text);
  } catch (error) {
    throw new MalformedResponseError(error);
  }
}
