/** The tab's side of a shared feed: the shared worker has the stream. If the worker does not answer, the tab has one. */
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { ChangeFeed, FeedOptions, OpenFeed } from "../change-feed.ts";
import { lendToken } from "./borrowed-token.ts";
import type { Port, TabMessage, WorkerMessage } from "./worker-message.ts";

/** Time without a message of the worker before a ping, in milliseconds. */
const IDLE_TIMEOUT_MS = 10_000;

/** Timeout of a ping, in milliseconds. */
const PING_TIMEOUT_MS = 2_000;

/** Timeout of the worker's first message, in milliseconds: its script may still be loading. */
const JOIN_TIMEOUT_MS = 5_000;

/** Time before a tab with a stream of its own tries the worker again, in milliseconds. */
const RETRY_MS = 60_000;

/** The parts of `SharedWorker` in use. */
export interface StreamWorker {
  readonly port: Port<TabMessage, WorkerMessage>;
  onerror: ((event: ErrorEvent) => unknown) | null;
}

export interface WorkerFeedOptions {
  /** Opens the worker that the tabs share. @throws if the browser has no shared workers, or none for this document. */
  readonly openWorker: () => StreamWorker;
  readonly provideToken: GatewayClient["provideToken"];
  /** Opens a feed for this tab alone. */
  readonly openOwnFeed: OpenFeed;
}

/** Opens a feed over the worker. The feed begins with a snapshot. */
export function openWorkerFeed(options: WorkerFeedOptions, feedOptions: FeedOptions): ChangeFeed {
  const { openWorker, provideToken, openOwnFeed } = options;
  const { onEvent } = feedOptions;
  let { userIds } = feedOptions;
  let port: StreamWorker["port"] | undefined;
  /** Aborts when the tab leaves the worker. */
  let connection = new AbortController();
  let ownFeed: ChangeFeed | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let followCount = 0;
  /** The clock of the tab minus that of the worker, plus the shortest time that a message has taken. */
  let clockOffset = Infinity;

  function schedule(delayMs: number, task: () => void): void {
    clearTimeout(timer);
    timer = setTimeout(task, delayMs);
  }

  function connect(): void {
    disconnect();
    connection = new AbortController();
    const { signal } = connection;
    // It may be another worker.
    clockOffset = Infinity;
    schedule(JOIN_TIMEOUT_MS, useOwnFeed);
    try {
      const worker = openWorker();
      port = worker.port;
      // Browsers report blocked storage, and a script that a deployment has removed, by this event.
      worker.onerror = () => signal.aborted || useOwnFeed();
      port.onmessage = ({ data, ports }) => signal.aborted || handleMessage(data, ports);
      postFollow();
    } catch {
      // Firefox throws for a frame with blocked cookies.
      useOwnFeed();
    }
  }

  function postFollow(): void {
    followCount += 1;
    port?.postMessage({ type: "follow", userIds, count: followCount });
  }

  function disconnect(): void {
    clearTimeout(timer);
    connection.abort();
    port?.postMessage({ type: "leave" });
    port?.close();
    port = undefined;
  }

  function useOwnFeed(): void {
    disconnect();
    schedule(RETRY_MS, connect);
    if (ownFeed) return;
    console.warn("availability-bridge: the tabs share no stream: the shared worker is denied or does not answer");
    ownFeed = openOwnFeed({ onEvent, userIds });
  }

  function handleMessage(message: WorkerMessage, [loan]: readonly MessagePort[]): void {
    const { signal } = connection;
    if (message.type === "end") useOwnFeed();
    else if (message.type === "lend") void (loan && lendToken(loan, provideToken, signal));
    else {
      ownFeed?.close();
      ownFeed = undefined;
      schedule(IDLE_TIMEOUT_MS, () => ask({ type: "ping" }));
      const offset = performance.now() - message.sentAt;
      clockOffset = Math.min(clockOffset, offset);
      // A busy tab receives a message late.
      const delayMs = offset - clockOffset;
      for (const event of message.events) {
        if (signal.aborted) return;
        // The answer to the latest `follow` brings the end of the snapshot, or another snapshot follows.
        if (event.type === "current" && message.followCount !== followCount) continue;
        onEvent("ageMs" in event ? { ...event, ageMs: event.ageMs + delayMs } : event);
      }
    }
  }

  /** Expects an answer: no browser tells a page that a worker has crashed or hangs. */
  function ask(message: TabMessage): void {
    port?.postMessage(message);
    schedule(PING_TIMEOUT_MS, connect);
  }

  connect();
  return {
    follow(next) {
      userIds = next;
      ownFeed?.follow(next);
      postFollow();
    },
    checkConnection(hasSlept = false) {
      if (ownFeed) ownFeed.checkConnection(hasSlept);
      else ask({ type: "check", hasSlept });
    },
    // A tab whose token the worker cannot use has its own feed.
    retryNow: () => ownFeed?.retryNow(),
    close() {
      disconnect();
      ownFeed?.close();
    },
  };
}
