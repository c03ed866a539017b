/** A scripted gateway: the test writes every stream and response by hand, on a fake clock. */
import { onTestFinished, vi } from "vitest";
import { createTimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { parseChangedAvailability } from "../../gateway/changed-availability.ts";
import type { ChangeFeed, FeedEvent } from "../change-feed.ts";
import { createFeedEventParser } from "./feed-event.ts";
import type { LiveSnapshot } from "./live-api.ts";
import { createStreamFeed } from "./stream-feed.ts";

/** A stream requested by the feed. */
export interface StreamCall {
  /** The position to resume from. */
  readonly cursor: string | undefined;
  /** The users in the address; `undefined` for all. */
  readonly userIds: readonly number[] | undefined;
  /** True if the feed has aborted the stream. */
  isAborted(): boolean;
  /** Sends the head of the response. */
  open(): Promise<void>;
  /** Rejects the request. */
  fail(error: unknown): Promise<void>;
  /** Sends a chunk. */
  write(text: string): Promise<void>;
  /** Ends the response. */
  end(): Promise<void>;
  /** Breaks the connection. */
  disconnect(): Promise<void>;
}

/** A snapshot requested by the feed. */
export interface SnapshotCall {
  readonly etag: string | undefined;
  /** The users in the address; `undefined` for all. */
  readonly userIds: readonly number[] | undefined;
  isAborted(): boolean;
  /** `undefined` means unchanged (304). */
  respond(overview: LiveSnapshot | undefined): Promise<void>;
  fail(error: unknown): Promise<void>;
}

export interface ScriptedGateway {
  readonly feed: ChangeFeed;
  readonly streams: StreamCall[];
  readonly snapshotCalls: SnapshotCall[];
  /** Events reported by the feed, without heartbeats. */
  readonly events: FeedEvent[];
  /** Times of the reported heartbeats, on the fake clock. */
  readonly heartbeats: number[];
  readonly defects: unknown[];
  /** The feed's `Math.random`. @default 1, the upper limit */
  random: number;
  /** The newest stream. */
  stream(): StreamCall;
  snapshotCall(): SnapshotCall;
  /** Advances both clocks. */
  pass(milliseconds: number): Promise<void>;
}

/** The end of a snapshot, and a heartbeat. */
export const CURRENT = "event: current\nid: a-1\ndata: {}\n\n";
export const HEARTBEAT = ":\n\n";

/** A change in the stream's format. */
export function change(userId: number, version: number, cursor: string): string {
  return `event: availability\nid: ${cursor}\ndata: ${JSON.stringify(changed(userId, version))}\n\n`;
}

export function changed(userId: number, version: number) {
  return { userId, status: "available", version, updatedAt: version } as const;
}

/** Opens a feed over a scripted gateway. The feed is closed at the end of the test. */
export async function createScriptedGateway(
  resumeFrom?: string,
  userIds?: ReadonlySet<number>,
): Promise<ScriptedGateway> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  const streams: StreamCall[] = [];
  const snapshotCalls: SnapshotCall[] = [];
  const events: FeedEvent[] = [];
  const heartbeats: number[] = [];
  const defects: unknown[] = [];
  const openFeed = createStreamFeed({
    openStream: (signal, cursor, users) => requestStream(signal, cursor, users && [...users], streams),
    fetchSnapshot: (signal, etag, users) => requestSnapshot(signal, etag, users && [...users], snapshotCalls),
    parseEvent: createFeedEventParser(parseChangedAvailability),
    onDefect: (error) => defects.push(error),
    createTimers: createTimerQueue,
    random: () => scripted.random,
  });
  const scripted: ScriptedGateway = {
    feed: openFeed({
      onEvent: (event) => (event.type === "heartbeat" ? heartbeats.push(performance.now()) : events.push(event)),
      cursor: resumeFrom,
      userIds,
    }),
    streams,
    snapshotCalls,
    events,
    heartbeats,
    defects,
    random: 1,
    stream: () => newest(streams),
    snapshotCall: () => newest(snapshotCalls),
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

/** Runs all tasks that wait for no timer. */
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

function requestStream(
  signal: AbortSignal,
  cursor: string | undefined,
  userIds: readonly number[] | undefined,
  streams: StreamCall[],
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
      userIds,
      isAborted: () => signal.aborted,
      open: after(() => resolve(stream)),
      fail: (error) => after(() => reject(error))(),
      write: (text) => after(() => body?.enqueue(new TextEncoder().encode(text)))(),
      end: after(() => body?.close()),
      disconnect: after(() => body?.error(new TypeError("network error"))),
    });
  });
}

function requestSnapshot(
  signal: AbortSignal,
  etag: string | undefined,
  userIds: readonly number[] | undefined,
  overviews: SnapshotCall[],
): Promise<LiveSnapshot | undefined> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    overviews.push({
      etag,
      userIds,
      isAborted: () => signal.aborted,
      async respond(overview) {
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
