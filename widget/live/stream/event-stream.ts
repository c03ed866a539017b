/** Reads one stream of server-sent events, from its opening to its end. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { FeedEvent } from "../feed.ts";
import { MalformedAnswer } from "./failure.ts";
import type { FeedCalls } from "./feed-calls.ts";

/** Reads the name and the data of a server-sent event, which may be anything. `undefined` for what it does not know. */
export type ReadFeedEvent = (name: string, data: string) => FeedEvent | undefined;

export interface EventStreamOptions {
  readonly openStream: FeedCalls["openStream"];
  /** @throws where the data is not what the name promises. */
  readonly readEvent: ReadFeedEvent;
  /** Where to resume. */
  readonly cursor: string | undefined;
  readonly signal: AbortSignal;
  /** Something has come, whatever it is. */
  readonly onBytes: () => void;
  /** A sign of life has come: an event or a comment. */
  readonly onLife: () => void;
  /** `cursor` is where a stream resumes that is opened after the event; an empty one is none. Absent: as before. */
  readonly onEvent: (event: FeedEvent | undefined, cursor: string | undefined) => void;
  /** The gateway says after how long to come back, in milliseconds. */
  readonly onRetry: (milliseconds: number) => void;
}

/** A line may have as many characters, and an event as well: no event of the gateway's comes near it. */
const MAX_LENGTH = 1024 * 1024;

/**
 * Resolves when the stream has ended.
 *
 * @throws {MalformedAnswer} where it brings what is none of the gateway's events. @throws as `openStream` does.
 */
export async function readEventStream(options: EventStreamOptions): Promise<void> {
  const { openStream, readEvent, cursor, signal, onBytes, onLife, onEvent, onRetry } = options;
  const parser = createParser({
    maxBufferSize: MAX_LENGTH,
    onComment: onLife,
    onRetry,
    onError(error) {
      throw error;
    },
    onEvent({ event = "", data, id }: EventSourceMessage) {
      onLife();
      if (!signal.aborted) onEvent(readEvent(event, data), id);
    },
  });
  const reader = (await openStream(signal, cursor)).pipeThrough(new TextDecoderStream()).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    onBytes();
    feed(parser, next.value);
  }
}

function feed(parser: ReturnType<typeof createParser>, text: string): void {
  try {
    parser.feed(text);
  } catch (error) {
    throw new MalformedAnswer(error);
  }
}
