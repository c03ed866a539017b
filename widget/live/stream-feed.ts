/** A feed from the gateway's stream of server-sent events. */
import { createParser, type EventSourceMessage } from "eventsource-parser";
import type { GatewayClient } from "../gateway-client.ts";
import type { Feed, FeedEvent, FeedOptions, OpenFeed } from "./feed.ts";

export interface StreamFeedOptions {
  readonly openStream: GatewayClient["openStream"];
  /** Reads an event's name and data; `undefined` for what is none. */
  readonly readEvent: ReadFeedEvent;
}

/** Reads the name and the data of a server-sent event, which may be anything. */
export type ReadFeedEvent = (name: string, data: string) => FeedEvent | undefined;

/** How long after a stream has ended the next is opened, in milliseconds. */
const RETRY_DELAY_MS = 1_000;

/** Creates what opens a feed over a stream of its own. */
export function createStreamFeed({ openStream, readEvent }: StreamFeedOptions): OpenFeed {
  return ({ onEvent, cursor: resumeFrom }: FeedOptions): Feed => {
    const closing = new AbortController();
    let cursor = resumeFrom;
    let attempt = new AbortController();

    async function readStream(): Promise<void> {
      attempt = new AbortController();
      const signal = AbortSignal.any([closing.signal, attempt.signal]);
      const parser = createParser({
        onId: (id) => {
          cursor = id || undefined;
        },
        onEvent: ({ event = "", data }: EventSourceMessage) => {
          const told = readEvent(event, data);
          if (told && !signal.aborted) onEvent({ ...told, ...(cursor !== undefined && { cursor }) });
        },
      });
      const reader = (await openStream(signal, cursor)).pipeThrough(new TextDecoderStream()).getReader();
      for (let next = await reader.read(); !next.done; next = await reader.read()) parser.feed(next.value);
    }

    async function run(): Promise<void> {
      while (!closing.signal.aborted) {
        const status = await readStream().then(
          () => undefined,
          (error: unknown) => (error instanceof Error && "status" in error ? error.status : undefined),
        );
        if (status === 401 && !closing.signal.aborted) {
          onEvent({ type: "refused" });
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
    void run();
    return { wake: () => attempt.abort(), close: () => closing.abort() };
  };
}
