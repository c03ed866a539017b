import { type ObserveCall, runUnobserved } from "../outgoing-call.ts";

/** Receives what a store in Redis does, for metrics and traces. Its functions must not throw. */
export interface StoreObserver {
  /** Runs a command of Redis. */
  readonly observe: ObserveCall;
  /** Called when a connection to Redis has been opened, or opened again. */
  onConnected(): void;
  /** Called when Redis has rejected a write, with the code of its error, such as `OOM`. */
  onRejected(code: string): void;
  /**
   * Called for the last of the changes that arrive together, with the milliseconds since it was made, by the clock of
   * the Redis machine.
   */
  onChanges(lagMs: number): void;
}

/** Observes nothing. */
export const unobservedStore: StoreObserver = {
  observe: runUnobserved,
  onConnected() {},
  onRejected() {},
  onChanges() {},
};
