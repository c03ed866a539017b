/** Clocks and timers of the page, the widgets and the gateway. Time advances only in `pass`. */
import { setImmediate } from "node:timers/promises";

/** Timer on the monotonic clock. */
class FakeTimer {
  at = 0;
  readonly callback: () => void;
  /** Interval of a repeated timer, in milliseconds. */
  readonly periodMs: number | undefined;
  isCancelled = false;

  constructor(callback: () => void, periodMs?: number) {
    this.callback = callback;
    this.periodMs = periodMs;
  }

  /** Does nothing: the gateway calls this method of Node's timers. */
  unref(): this {
    return this;
  }
}

export interface FakeClock {
  /** The page's monotonic clock, in milliseconds. */
  now(): number;
  /** Sets a timer. */
  setTimer(callback: () => void, milliseconds: number): FakeTimer;
  /** Advances the time. Calls `beforeStep` before each step, with the time of the step. */
  pass(milliseconds: number, beforeStep?: (at: number) => void): Promise<void>;
  /** Shifts the page's wall clock; a negative shift sets the clock back. */
  shiftWallClock(milliseconds: number): void;
  /** Number of pending timers. */
  timerCount(): number;
  /** Replaces the global clocks and timers. Returns a function to restore the real clocks. */
  install(): () => void;
}

/** Start of the wall clock, in milliseconds since 1970. */
export const EPOCH_MS = 1_760_000_000_000;

/** Creates a clock at 0. The wall clock starts at `EPOCH_MS`. */
export function createFakeClock(): FakeClock {
  /** Sorted by time, and by age at equal times. */
  const timers: FakeTimer[] = [];
  let now = 0;
  let wallShiftMs = 0;

  function schedule(timer: FakeTimer, milliseconds: number): FakeTimer {
    timer.at = now + Math.max(0, Math.ceil(milliseconds) || 0);
    let place = timers.length;
    while (place > 0 && (timers[place - 1]?.at ?? 0) > timer.at) place -= 1;
    timers.splice(place, 0, timer);
    return timer;
  }

  function setTimer(callback: () => void, milliseconds: number): FakeTimer {
    return schedule(new FakeTimer(callback), milliseconds);
  }

  function clearTimer(timer: unknown): void {
    if (!(timer instanceof FakeTimer)) return;
    timer.isCancelled = true;
    const place = timers.indexOf(timer);
    if (place >= 0) timers.splice(place, 1);
  }

  return {
    now: () => now,
    setTimer,
    shiftWallClock(milliseconds) {
      wallShiftMs += milliseconds;
    },
    timerCount: () => timers.length,
    async pass(milliseconds, beforeStep = () => {}) {
      const end = now + milliseconds;
      await setImmediate();
      for (let timer = timers[0]; timer && timer.at <= end; timer = timers[0]) {
        if (timer.at > now) beforeStep(timer.at);
        timers.shift();
        now = timer.at;
        timer.callback();
        if (timer.periodMs !== undefined && !timer.isCancelled) schedule(timer, timer.periodMs);
        await setImmediate();
      }
      beforeStep(end);
      now = end;
    },
    install() {
      const real = { setTimeout, clearTimeout, setInterval, clearInterval, performance };
      const realNow = Date.now;
      const realTimeout = AbortSignal.timeout;
      Object.assign(globalThis, {
        setTimeout: setTimer,
        clearTimeout: clearTimer,
        setInterval: (callback: () => void, periodMs: number) => schedule(new FakeTimer(callback, periodMs), periodMs),
        clearInterval: clearTimer,
        performance: { now: () => now },
      });
      Date.now = () => EPOCH_MS + now + wallShiftMs;
      AbortSignal.timeout = (milliseconds) => {
        const controller = new AbortController();
        setTimer(() => controller.abort(new DOMException("The timeout has passed", "TimeoutError")), milliseconds);
        return controller.signal;
      };
      return () => {
        Object.assign(globalThis, real);
        Date.now = realNow;
        AbortSignal.timeout = realTimeout;
      };
    },
  };
}
