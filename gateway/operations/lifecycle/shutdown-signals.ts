import type { Log } from "../logging/log.ts";

/** A server that stops with its process. */
export interface Shutdown {
  readonly log: Log;
  close(): Promise<void>;
}

/** Events and exit of a process. */
export interface ProcessEvents {
  once(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  removeListener(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  on(event: "uncaughtException", listener: (error: Error) => void): unknown;
  exit(code: number): void;
}

/**
 * Stops gracefully at the first SIGTERM or SIGINT, with exit code 0. A second signal kills the process at once. An
 * uncaught exception is logged, and ends the process with exit code 1.
 */
export function shutDownOnSignals({ log, close }: Shutdown, process: ProcessEvents): void {
  const exit = (code: number) => {
    void log.flush().then(() => process.exit(code));
  };
  const onSignal = () => {
    process.removeListener("SIGTERM", onSignal);
    process.removeListener("SIGINT", onSignal);
    void close().then(() => exit(0));
  };
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  process.on("uncaughtException", (error) => {
    log.defect(error);
    exit(1);
  });
}
