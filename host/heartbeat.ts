import type { AlarmClock } from "../shared/alarm-clock.ts";

export interface HeartbeatOptions {
  readonly clock: AlarmClock;
  /** How often the widget is asked for a sign of life, and how long it may take to give one, in milliseconds. */
  readonly intervalMs: number;
  /** Asks the widget for a sign of life. */
  readonly ask: () => Promise<unknown>;
  /** Whether somebody waits for the widget. Where nobody does, it is left alone. */
  readonly isNeeded: () => boolean;
  /** Hears that the widget gave no sign of life. */
  readonly onDead: () => void;
}

/** Watches over a connected widget while requests are in flight. */
export interface Heartbeat {
  /** Begins to watch, if it does not watch already. It stops by itself. */
  start(): void;
  /** Asks once, and calls `onSilent` where no sign of life comes within this time. */
  probe(milliseconds: number, onSilent: () => void): void;
}

/** An alarm that rings this much too late has been held back, as in a frozen page, and with it the widget's answer. */
const LATE_MS = 1_000;

/** Creates a heartbeat. */
export function createHeartbeat({ clock, intervalMs, ask, isNeeded, onDead }: HeartbeatOptions): Heartbeat {
  let isBeating = false;

  function probe(milliseconds: number, onSilent: () => void): void {
    const due = performance.now() + milliseconds;
    const alarm = clock.ringIn(milliseconds, () => {
      // Browsers slow hidden pages down, and freeze them: silence says nothing there.
      if (document.hidden || performance.now() - due > LATE_MS) probe(milliseconds, onSilent);
      else onSilent();
    });
    // A refusal is a sign of life as well, and so is the end of the connection: what comes after it is another widget.
    ask().then(alarm.cancel, alarm.cancel);
  }

  function beat(): void {
    isBeating = isNeeded();
    if (!isBeating) return;
    probe(intervalMs, onDead);
    clock.ringIn(intervalMs, beat);
  }

  return {
    start() {
      if (isBeating) return;
      isBeating = true;
      clock.ringIn(intervalMs, beat);
    },
    probe,
  };
}
