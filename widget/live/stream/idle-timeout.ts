import type { TimerQueue } from "../../../shared/runtime/timer-queue.ts";

/** Interval of the gateway's heartbeats, in milliseconds. */
const HEARTBEAT_MS = 15_000;

/** Timeout for the first bytes, in milliseconds. Without bytes by then, a proxy buffers the stream. */
const OPEN_TIMEOUT_MS = 2 * HEARTBEAT_MS;

/** Timeout without activity after the first bytes, in milliseconds. */
const IDLE_TIMEOUT_MS = 3 * HEARTBEAT_MS;

/** Idle timeout of one stream. */
export interface IdleTimeout {
  /** Records activity. */
  touch(): void;
  /** True if the stream was active before, and then idle for longer than the heartbeat interval. */
  isOverdue(): boolean;
  stop(): void;
}

/**
 * Starts the timeout of an opening stream. Activity does not restart the timer: `onTick` is called whenever the timer
 * fires, with true if the stream was idle for too long.
 */
export function startIdleTimeout(schedule: TimerQueue["schedule"], onTick: (isSilent: boolean) => void): IdleTimeout {
  let lastActivityAt = performance.now();
  let limitMs = OPEN_TIMEOUT_MS;
  let cancelTimer = schedule(limitMs, tick);

  function tick(): void {
    const remainingMs = lastActivityAt + limitMs - performance.now();
    if (remainingMs > 0) cancelTimer = schedule(remainingMs, tick);
    onTick(remainingMs <= 0);
  }

  return {
    touch() {
      lastActivityAt = performance.now();
      limitMs = IDLE_TIMEOUT_MS;
    },
    isOverdue: () => limitMs === IDLE_TIMEOUT_MS && performance.now() - lastActivityAt > HEARTBEAT_MS,
    stop: () => cancelTimer(),
  };
}
