import type { Log } from "../logging/log.ts";

/** What ends with its process. */
export interface Shutdown {
  readonly log: Log;
  close(): Promise<void>;
}

/** What a process hears, and how it ends. */
export interface EndingProcess {
  once(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  removeListener(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  on(event: "uncaughtException", listener: (error: Error) => void): unknown;
  exit(code: number): void;
}

/**
 * Ends the process gracefully at the first SIGTERM or SIGINT, with exit code 0, and leaves any signal after that to the
 * system, which ends it at once. What is thrown where nobody catches it goes to the log, and ends the process with exit code 1.
 */
export function shutDownOnSignals({ log, close }: Shutdown, process: EndingProcess): void {
  const end = (code: number) => {
    void log.flush().then(() => process.exit(code));
  };
  const onSignal = () => {
    process.removeListener("SIGTERM", onSignal);
    process.removeListener("SIGINT", onSignal);
    void close().then(() => end(0));
  };
  process.once("SIGTERM", onSignal);
  process.once("SIGINT", onSignal);
  process.on("uncaughtException", (error) => {
    log.defect(error);
    end(1);
  });
}
