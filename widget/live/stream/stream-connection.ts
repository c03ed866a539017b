/** One connection to the gateway's stream, from the request to the end. */
import type { TimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { type EventStreamOptions, readEventStream } from "./event-stream.ts";
import { startIdleTimeout } from "./idle-timeout.ts";
import { classifyError, type LiveFailure } from "./live-failure.ts";

/** The end of a stream. */
export interface StreamEnd {
  /**
   * `closed` by the caller. `buffered`: a proxy held back every byte, or the end of the snapshot. `resync`: the machine
   * has slept, the stream was overdue at a check, or the caller needs another stream. `disconnected`: the stream broke off.
   */
  readonly reason: "closed" | "buffered" | "resync" | "disconnected";
  /** True if the stream delivered a position for the next stream. */
  readonly hasProgressed: boolean;
  /** The gateway's reconnection delay, in milliseconds; 0 if not sent. */
  readonly retryMs: number;
  /** The error behind a disconnect, if any. */
  readonly failure: LiveFailure | undefined;
}

export interface StreamConnectionOptions
  extends Pick<EventStreamOptions, "openStream" | "parseEvent" | "cursor" | "onEvent" | "onComment"> {
  /** Called for every event and empty comment: only a gateway sends these. */
  readonly onHeartbeat: () => void;
  readonly hasSlept: () => boolean;
  readonly schedule: TimerQueue["schedule"];
}

/** A stream that is opening or open. */
export interface StreamConnection {
  readonly ended: Promise<StreamEnd>;
  /** Closes the stream, so that another is opened at once. */
  reconnect(): void;
  /**
   * Closes the stream if the machine has slept or the stream is overdue, so that the next stream delivers the missed
   * events.
   */
  reconnectIfStale(hasSlept: boolean): void;
  close(): void;
}

/** Opens a stream. */
export function connectStream(options: StreamConnectionOptions): StreamConnection {
  const { openStream, parseEvent, cursor: resumeFrom, onEvent, onHeartbeat, onComment, hasSlept, schedule } = options;
  const abortController = new AbortController();
  const { signal } = abortController;
  /** Set by `stop`. */
  let reason: StreamEnd["reason"];
  let cursor = resumeFrom;
  let retryMs = 0;
  let hasBytes = false;
  let hasProgressed = false;
  let heartbeatCount = 0;
  const idleTimeout = startIdleTimeout(schedule, (isSilent) => {
    if (hasSlept()) stop("resync");
    // Nothing came but the comment at the start, or the snapshot is incomplete: a proxy holds back the other bytes.
    else if (isSilent) stop(heartbeatCount === 0 || cursor === undefined ? "buffered" : "disconnected");
  });

  function stop(stopReason: StreamEnd["reason"]): void {
    if (signal.aborted) return;
    reason = stopReason;
    idleTimeout.stop();
    abortController.abort();
  }

  function readStream(): Promise<void> {
    return readEventStream({
      openStream,
      parseEvent,
      cursor: resumeFrom,
      signal,
      onComment,
      onBytes() {
        // Only the first bytes count as activity. After them, only events and comments count: noise is no heartbeat.
        if (!hasBytes) idleTimeout.touch();
        hasBytes = true;
      },
      onHeartbeat() {
        idleTimeout.touch();
        // A stream resumed without changes carries heartbeats alone, and is as healthy as any stream.
        heartbeatCount += 1;
        hasProgressed ||= cursor !== undefined && heartbeatCount > 1;
        onHeartbeat();
      },
      onEvent(event, id) {
        if (id !== undefined) cursor = id || undefined;
        hasProgressed ||= cursor !== undefined;
        onEvent(event, cursor);
      },
      onRetry(milliseconds) {
        retryMs = milliseconds;
      },
    });
  }

  async function run(): Promise<StreamEnd> {
    let failure: LiveFailure | undefined;
    try {
      await readStream();
    } catch (error) {
      // After `stop`, the reason is already known.
      if (!signal.aborted) failure = classifyError(error);
    }
    stop("disconnected");
    return { reason, hasProgressed, retryMs, failure };
  }

  return {
    ended: run(),
    reconnect: () => stop("resync"),
    reconnectIfStale: (slept) => {
      if (slept || idleTimeout.isOverdue()) stop("resync");
    },
    close: () => stop("closed"),
  };
}
