/** Notices when the page's availabilities may be outdated, because the gateway has given no sign of life. */
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";
import { createSleepDetector } from "./stream/sleep-detector.ts";

/** Age of the latest sign of life at which availabilities are stale, in milliseconds: three heartbeats of the gateway. */
export const STALE_AFTER_MS = 45_000;

export interface FreshnessMonitor {
  /**
   * Starts to wait for signs of life. The first one is that the page has fetched its availabilities, `ageMs` milliseconds ago.
   *
   * @default 0
   */
  start(ageMs?: number): void;
  /** Records a sign of life from `ageMs` milliseconds ago. */
  recordHeartbeat(ageMs: number): void;
  /** Becomes stale at once, until the next sign of life. */
  markStale(): void;
  /** Compares the clocks at once, for example after a sleep. */
  check(): void;
  /** Stops waiting, because the page has no subscription. Sets no timer from here on. */
  stop(): void;
  /** Stops until the next sign of life, and drops the state `stale`: the page knows by now that the session has ended. */
  reset(): void;
}

export interface FreshnessMonitorOptions {
  readonly schedule: TimerQueue["schedule"];
  /** Called with each change, and with the age of the latest sign of life in whole milliseconds. */
  readonly onChange: (state: "live" | "stale", ageMs: number) => void;
  /**
   * Called when the monitor notices a sleep of the machine: only a later sign of life counts. The regular one may come no earlier than
   * 15 s later.
   */
  readonly onSleep: () => void;
}

/** Creates a monitor that has not started. */
export function createFreshnessMonitor({ schedule, onChange, onSleep }: FreshnessMonitorOptions): FreshnessMonitor {
  const hasSlept = createSleepDetector();
  let isRunning = false;
  let isStale = false;
  /** Time of the latest sign of life, on the monotonic clock. */
  let heardAt = 0;
  /** Time since which earlier signs of life do not count: the machine has slept, or the gateway has refused the feed. */
  let refutedAt: number | undefined;
  let cancelTimer = (): void => {};

  function check(): void {
    if (!isRunning) return;
    cancelTimer();
    const now = performance.now();
    const slept = hasSlept();
    if (slept) refutedAt = now;
    const ageMs = now - heardAt;
    const wasStale = isStale;
    isStale = refutedAt !== undefined || ageMs >= STALE_AFTER_MS;
    if (!isStale) cancelTimer = schedule(STALE_AFTER_MS - ageMs, check);
    if (isStale !== wasStale) onChange(isStale ? "stale" : "live", Math.max(0, Math.round(ageMs)));
    if (slept) onSleep();
  }

  function stop(): void {
    isRunning = false;
    cancelTimer();
  }

  return {
    start(ageMs = 0) {
      if (isRunning) return;
      isRunning = true;
      hasSlept();
      heardAt = performance.now() - ageMs;
      refutedAt = undefined;
      check();
    },
    recordHeartbeat(ageMs) {
      const at = performance.now() - ageMs;
      // Before the new sign of life can count: it may have come in a sleep.
      check();
      if (refutedAt !== undefined && at >= refutedAt) refutedAt = undefined;
      heardAt = Math.max(heardAt, at);
      check();
    },
    markStale() {
      refutedAt = performance.now();
      check();
    },
    check,
    stop,
    reset() {
      stop();
      isStale = false;
    },
  };
}
