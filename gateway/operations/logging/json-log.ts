import { pino } from "pino";
import type { LogLevel } from "../operation-settings.ts";
import { createAccessLogWriter } from "./access-log.ts";
import type { Log } from "./log.ts";
import { createTimeFormatter } from "./log-time.ts";
import { serializeError } from "./serialize-error.ts";

/** Where the lines go. */
export interface LogDestination {
  write(line: string): void;
  /** Resolves when everything is written, or cannot be. Nothing can be written after that. */
  flush(): Promise<void>;
}

/** So many characters are written at once: a write for each line takes as long as it takes to answer a request from memory. */
const WRITTEN_AT_ONCE_LENGTH = 65_536;

/** Less than that is written within this time, in milliseconds. A process that is killed takes with it what is not yet written. */
const WRITTEN_WITHIN_MS = 100;

/** What waits to be written down where the reader of the log is slow, in bytes; lines beyond it are lost. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** A reader of the log who does not read keeps the process from ending for this long, in milliseconds. */
const FLUSH_MS = 1000;

export interface JsonLogOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
}

/** The log as lines of JSON, for the programs that collect them. */
export function createJsonLog({ level, destination }: JsonLogOptions): Log {
  const writeTime = createTimeFormatter();
  const writeRequest = createAccessLogWriter("info");
  const log = pino(
    {
      level,
      // Neither the process's id nor the machine's name: whoever collects lines knows where they come from.
      base: null,
      timestamp: () => `,"time":"${writeTime(Date.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    line: (text) => log.info(text),
    // Keys that are not known are left out by JSON itself.
    warning: (text, context) => log.warn({ ...context }, text),
    // Absent where nobody reads it: then no record is made at all.
    ...(log.isLevelEnabled("info") && {
      request: (record) => destination.write(writeRequest(writeTime(Date.now()), record)),
    }),
    defect: (error, request) => log.error({ ...request, error: serializeError(error) }, "defect"),
    flush: destination.flush,
  };
}

/**
 * This process's standard output. It is written beside the work, so that a slow reader keeps no request waiting; what
 * cannot be written, as on a full disk, is lost, and `onLost` is called for it.
 */
export function openStandardOutput(onLost: () => void): LogDestination {
  // Written at once all the same: with a length of nothing, `flush` would not wait.
  const output = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: MAX_WAITING_BYTES });
  output.on("error", onLost);
  output.on("drop", onLost);
  let hasEnded = false;
  let lines = "";
  let nextWrite: ReturnType<typeof setTimeout> | undefined;

  function writeLines(): void {
    clearTimeout(nextWrite);
    nextWrite = undefined;
    if (lines) output.write(lines);
    lines = "";
  }

  return {
    write(line) {
      if (hasEnded) return;
      lines += line;
      if (lines.length >= WRITTEN_AT_ONCE_LENGTH) writeLines();
      else nextWrite ??= setTimeout(writeLines, WRITTEN_WITHIN_MS);
    },
    flush: () =>
      new Promise((resolve) => {
        writeLines();
        const end = () => {
          clearTimeout(timer);
          hasEnded = true;
          // Or else it would try again as the process exits, for ever where there is no room to write.
          output.destroy();
          resolve();
        };
        const timer = setTimeout(end, FLUSH_MS);
        output.flush(end);
      }),
  };
}
