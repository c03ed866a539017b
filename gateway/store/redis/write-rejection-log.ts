import type { StoreLog } from "../availability-store.ts";

/** Logs why Redis rejects writes, over all connections to it: each reason once, and the end once. */
export interface WriteRejectionLog {
  /** Logs the error with which Redis has rejected a write, unless the last logged error has the same code. */
  onRejected(error: string): void;
  /** Logs that Redis accepts writes again, if a rejection was logged. */
  onAccepted(): void;
}

/** Creates a log without a logged rejection. */
export function createWriteRejectionLog(log: StoreLog): WriteRejectionLog {
  let loggedCode: string | undefined;
  return {
    onRejected(error) {
      const code = errorCode(error);
      if (code === loggedCode) return;
      loggedCode = code;
      // Redis appends the place in the script, which means nothing to the operator.
      log.warning(`Redis rejects writes, so the gateway is not ready: ${error.replace(/ script: .*$/, "")}`);
    },
    onAccepted() {
      if (loggedCode === undefined) return;
      loggedCode = undefined;
      log.line("Redis accepts writes again");
    },
  };
}

/** Returns the first word of an error of Redis, such as `READONLY`, `MISCONF` or `OOM`. */
export function errorCode(error: string): string {
  return /^[A-Z]+/.exec(error)?.[0] ?? "ERR";
}
