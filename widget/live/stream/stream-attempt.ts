/** One stream of the gateway's, from its opening until it has ended or is given up. */
import { type EventStreamOptions, readEventStream } from "./event-stream.ts";
import { type Failure, readFailure } from "./failure.ts";
import { watchSilence } from "./silence-watch.ts";

/** How a stream has ended. */
export interface Ending {
  /**
   * Why: it was given up, nothing came of it or not all that there was to tell, the machine has slept or the stream was overdue
   * when it was looked at, or it broke off.
   */
  readonly reason: "given up" | "held back" | "woken" | "broken off";
  /** Whether it brought what a later stream goes on from. */
  readonly hasProgressed: boolean;
  /** After how long the gateway expects its reader back, in milliseconds; 0 where it did not say. */
  readonly retryMs: number;
  /** Why it broke off, where that was no ordinary end. */
  readonly failure: Failure | undefined;
}

export interface StreamAttemptOptions
  extends Pick<EventStreamOptions, "openStream" | "readEvent" | "cursor" | "onEvent"> {
  /** Something has come that only a gateway sends. */
  readonly onLife: () => void;
  readonly hasSlept: () => boolean;
}

/** A stream that is being opened, or is open. */
export interface StreamAttempt {
  readonly ended: Promise<Ending>;
  /** Ends it where it is not certain to be alive, so that the next one tells what was missed. */
  wake(hasSlept: boolean): void;
  giveUp(): void;
}

/** Begins to open a stream. */
export function attemptStream(options: StreamAttemptOptions): StreamAttempt {
  const { openStream, readEvent, cursor: resumeFrom, onEvent, onLife, hasSlept } = options;
  const leaving = new AbortController();
  const { signal } = leaving;
  let reason: Ending["reason"] = "broken off";
  let cursor = resumeFrom;
  let retryMs = 0;
  let hasBytes = false;
  let hasEvents = false;
  let hasProgressed = false;
  let signsOfLife = 0;
  const watch = watchSilence((isSilent) => {
    if (hasSlept()) leave("woken");
    // A part of a snapshot: what is written last does not come through.
    else if (isSilent) leave(!hasBytes || (hasEvents && cursor === undefined) ? "held back" : "broken off");
  });

  function leave(why: Ending["reason"]): void {
    if (signal.aborted) return;
    reason = why;
    watch.stop();
    leaving.abort();
  }

  function read(): Promise<void> {
    return readEventStream({
      openStream,
      readEvent,
      cursor: resumeFrom,
      signal,
      onBytes() {
        // What comes after it counts for as much as it says: noise is no sign of life.
        if (!hasBytes) watch.hear();
        hasBytes = true;
      },
      onLife() {
        watch.hear();
        // Who resumes where nothing has changed hears heartbeats alone, and is followed as well as anybody.
        signsOfLife += 1;
        hasProgressed ||= cursor !== undefined && signsOfLife > 1;
        onLife();
      },
      onEvent(event, id) {
        hasEvents = true;
        if (id !== undefined) cursor = id || undefined;
        hasProgressed ||= cursor !== undefined;
        onEvent(event, cursor);
      },
      onRetry(milliseconds) {
        retryMs = milliseconds;
      },
    });
  }

  async function follow(): Promise<Ending> {
    let failure: Failure | undefined;
    try {
      await read();
    } catch (error) {
      // Whoever leaves knows why.
      if (!signal.aborted) failure = readFailure(error);
    }
    leave("broken off");
    return { reason, hasProgressed, retryMs, failure };
  }

  return {
    ended: follow(),
    wake: (slept) => {
      if (slept || watch.isOverdue()) leave("woken");
    },
    giveUp: () => leave("given up"),
  };
}
