/** A gateway as a feed sees it, whose every stream and answer a test makes by hand, at a time that the test sets. */
import { onTestFinished, vi } from "vitest";
import { readChanged } from "../../gateway/changed-availability.ts";
import type { Feed, FeedEvent } from "../feed.ts";
import type { Overview } from "./feed-calls.ts";
import { createFeedEventReader } from "./feed-event.ts";
import { createStreamFeed } from "./stream-feed.ts";

/** A stream that the feed has asked for. */
export interface AskedStream {
  /** Where the feed wants to resume. */
  readonly cursor: string | undefined;
  /** Whether the feed has given it up. */
  isGivenUp(): boolean;
  /** The gateway begins to answer. */
  open(): Promise<void>;
  /** The gateway refuses. */
  fail(error: unknown): Promise<void>;
  /** Something comes. */
  write(text: string): Promise<void>;
  /** The gateway has ended it. */
  end(): Promise<void>;
  /** The connection is lost. */
  lose(): Promise<void>;
}

/** An overview that the feed has asked for. */
export interface AskedOverview {
  readonly etag: string | undefined;
  isGivenUp(): boolean;
  /** `undefined`: it is as the feed holds it. */
  answer(overview: Overview | undefined): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export interface ScriptedGateway {
  readonly feed: Feed;
  readonly streams: AskedStream[];
  readonly overviews: AskedOverview[];
  /** What the feed has told. */
  readonly told: FeedEvent[];
  readonly defects: unknown[];
  /** What `Math.random` is to the feed. @default 1, the most that chance can have */
  random: number;
  /** The newest stream. */
  stream(): AskedStream;
  overview(): AskedOverview;
  /** Lets time pass on both clocks. */
  pass(milliseconds: number): Promise<void>;
}

/** What the gateway says when it has told everything, and what it says between times. */
export const CURRENT = "event: current\nid: a-1\ndata: {}\n\n";
export const HEARTBEAT = ":\n\n";

/** A change, as the stream tells it. */
export function change(userId: number, version: number, cursor: string): string {
  return `event: availability\nid: ${cursor}\ndata: ${JSON.stringify(changed(userId, version))}\n\n`;
}

export function changed(userId: number, version: number) {
  return { userId, status: "available", version, updatedAt: version } as const;
}

/** Opens a feed over such a gateway. It ends with the test. */
export async function scriptGateway(resumeFrom?: string): Promise<ScriptedGateway> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  const streams: AskedStream[] = [];
  const overviews: AskedOverview[] = [];
  const told: FeedEvent[] = [];
  const defects: unknown[] = [];
  const openFeed = createStreamFeed({
    openStream: (signal, cursor) => askStream(signal, cursor, streams),
    readOverview: (signal, etag) => askOverview(signal, etag, overviews),
    readEvent: createFeedEventReader(readChanged),
    onDefect: (error) => defects.push(error),
    random: () => scripted.random,
  });
  const scripted: ScriptedGateway = {
    feed: openFeed({ onEvent: (event) => told.push(event), cursor: resumeFrom }),
    streams,
    overviews,
    told,
    defects,
    random: 1,
    stream: () => newest(streams),
    overview: () => newest(overviews),
    async pass(milliseconds) {
      await vi.advanceTimersByTimeAsync(milliseconds);
      await settle();
    },
  };
  onTestFinished(async () => {
    scripted.feed.close();
    await settle();
    vi.useRealTimers();
  });
  await settle();
  return scripted;
}

function newest<Asked>(asked: readonly Asked[]): Asked {
  const last = asked.at(-1);
  if (!last) throw new Error("The feed has asked for nothing");
  return last;
}

/** Lets everything happen that waits for no timer. */
async function settle(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  for (let turns = 0; turns < 5; turns += 1) {
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(undefined);
    });
  }
  port1.close();
}

function askStream(
  signal: AbortSignal,
  cursor: string | undefined,
  streams: AskedStream[],
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  let body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(signal.reason);
      body?.error(signal.reason);
    });
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        body = controller;
      },
    });
    const after = (act: () => void) => async (): Promise<void> => {
      act();
      await settle();
    };
    streams.push({
      cursor,
      isGivenUp: () => signal.aborted,
      open: after(() => resolve(stream)),
      fail: (error) => after(() => reject(error))(),
      write: (text) => after(() => body?.enqueue(new TextEncoder().encode(text)))(),
      end: after(() => body?.close()),
      lose: after(() => body?.error(new TypeError("network error"))),
    });
  });
}

function askOverview(
  signal: AbortSignal,
  etag: string | undefined,
  overviews: AskedOverview[],
): Promise<Overview | undefined> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    overviews.push({
      etag,
      isGivenUp: () => signal.aborted,
      async answer(overview) {
        resolve(overview);
        await settle();
      },
      async fail(error) {
        reject(error);
        await settle();
      },
    });
  });
}
