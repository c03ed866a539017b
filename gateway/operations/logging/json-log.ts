import { pino } from "pino";
import type { LogLevel } from "../operation-settings.ts";
import { createAccessLogWriter } from "./access-log.ts";
import type { Log } from "./log.ts";
import { createTimeFormatter } from "./log-time.ts";
import { serializeError } from "./serialize-error.ts";

/** Destination of the log's lines. */
export interface LogDestination {
  write(line: string): void;
  /** Resolves when the lines are written, or cannot be. Later lines are lost. */
  flush(): Promise<void>;
}

/** Length of a batch in characters: a write per line takes as long as a response from memory. */
const MAX_BATCH_LENGTH = 65_536;

/** Maximum delay of a batch, in milliseconds. A killed process loses its last batch. */
const BATCH_MS = 100;

/** Maximum size of the buffer for a slow reader of the log, in bytes; further lines are lost. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Timeout for the last write, in milliseconds, in case the reader of the log does not read. */
const FLUSH_TIMEOUT_MS = 1000;

export interface JsonLogOptions {
  readonly level: LogLevel;
  readonly destination: LogDestination;
}

/** Creates a log with lines of JSON, for log collectors. */
export function createJsonLog({ level, destination }: JsonLogOptions): Log {
  const writeTime = createTimeFormatter();
  const writeRequest = createAccessLogWriter("info");
  const createLog = (lowest: LogLevel) =>
    pino(
      {
        level: lowest,
        // No process id or host name: log collectors know the source of their lines.
        base: null,
        timestamp: () => `,"time":"${writeTime(Date.now())}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    );
  const log = createLog(level);
  // At every level: an operator who leaves out the lines of requests still has to know who changed an agent.
  const auditLog = level === "silent" ? undefined : createLog("info");
  return {
    line: (text) => log.info(text),
    // JSON omits undefined values.
    warning: (text, context) => log.warn({ ...context }, text),
    error: (text) => log.error(text),
    // Absent if the level omits requests, so that the gateway creates no records.
    ...(log.isLevelEnabled("info") && {
      request: (record) => destination.write(writeRequest(writeTime(Date.now()), record)),
    }),
    ...(auditLog && { audit: (record) => auditLog.info({ ...record }, "audit") }),
    defect: (error, request) => log.error({ ...request, error: serializeError(error) }, "defect"),
    flush: destination.flush,
  };
}

/**
 * Opens the process's standard output. Lines are written asynchronously, so that a slow reader delays no request. Lines
 * are lost if they cannot be written, as on a full disk; then `onLost` is called.
 */
export function openStandardOutput(onLost: () => void): LogDestination {
  // Not 0: with a minimum length of 0, `flush` would not wait. Length 1 still writes at once.
  const output = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: MAX_BUFFERED_BYTES });
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
      if (lines.length >= MAX_BATCH_LENGTH) writeLines();
      else nextWrite ??= setTimeout(writeLines, BATCH_MS);
    },
    flush: () =>
      new Promise((resolve) => {
        writeLines();
        const finish = () => {
          clearTimeout(timer);
          hasEnded = true;
          // Otherwise the process would retry at exit, forever if the disk stays full.
          output.destroy();
          resolve();
        };
        const timer = setTimeout(finish, FLUSH_TIMEOUT_MS);
        output.flush(finish);
      }),
  };
}
