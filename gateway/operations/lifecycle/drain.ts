import type { Log } from "../logging/log.ts";
import type { Readiness } from "./readiness.ts";

/** Something that is closed when the gateway ends. */
export interface Closable {
  /** What the log calls it. */
  readonly name: string;
  close(): Promise<void>;
}

export interface DrainOptions {
  readonly readiness: Readiness;
  readonly log: Log;
  /** How long `/readyz` says that the gateway closes before anything does, in milliseconds. */
  readonly delayMs: number;
  /** What is closed after that, one after the other. */
  readonly closables: readonly Closable[];
  /** How long closing may take in all, in milliseconds. @default 10000 */
  readonly deadlineMs?: number;
}

/**
 * What ends a gateway. Called again, it returns the same promise. That never rejects: what does not close in time, or fails to,
 * is told to the log and left to the end of the process.
 */
export function createDrain(options: DrainOptions): () => Promise<void> {
  let draining: Promise<void> | undefined;
  return () => {
    draining ??= drain(options);
    return draining;
  };
}

async function drain({ readiness, log, delayMs, closables, deadlineMs = 10_000 }: DrainOptions): Promise<void> {
  readiness.startClosing();
  log.line("Gateway closing");
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
