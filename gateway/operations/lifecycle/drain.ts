import type { Log } from "../logging/log.ts";
import type { Readiness } from "./readiness.ts";

/** A part that is closed when the gateway stops. */
export interface Closable {
  /** Name of the part in the log. */
  readonly name: string;
  close(): Promise<void>;
}

export interface DrainOptions {
  readonly readiness: Readiness;
  readonly log: Log;
  /** Time between `/readyz` becoming unready and the first close, in milliseconds. */
  readonly delayMs: number;
  /** Parts to close in order. */
  readonly closables: readonly Closable[];
  /** Returns the number of open streams. */
  readonly countStreams: () => number;
  /** Timeout for closing the parts, in milliseconds. @default 10000 */
  readonly deadlineMs?: number;
}

/**
 * Creates the function to stop a gateway. Further calls return the same promise. The promise never rejects: a part that
 * fails to close, or not in time, is logged and left to the end of the process.
 */
export function createDrain(options: DrainOptions): () => Promise<void> {
  let draining: Promise<void> | undefined;
  return () => {
    draining ??= drain(options);
    return draining;
  };
}

async function drain(options: DrainOptions): Promise<void> {
  const { readiness, log, delayMs, closables, countStreams, deadlineMs = 10_000 } = options;
  readiness.startClosing();
  log.line(`Gateway closing: accepts connections for ${delayMs / 1000} s more; open streams: ${countStreams()}`);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), deadlineMs);
  });
  for (const { name, close } of closables) {
    const closing = close().then(
      () => "closed" as const,
      (error: unknown) => {
        log.defect(error);
        return "failed" as const;
      },
    );
    if ((await Promise.race([closing, deadline])) === "late") log.warning(`${name} did not close in time`);
  }
  clearTimeout(timer);
  log.line("Gateway closed");
}
