import type { AlarmClock } from "../shared/alarm-clock.ts";

/** An alarm that rings this much too late has been held back, as in a frozen page, and with it the widget's answer. */
const LATE_MS = 1_000;

/**
 * Asks a widget for a sign of life, and calls `onSilence` where none comes in this time. A refusal is a sign of life as
 * well, and so is the end of the connection: whoever comes after it is another widget.
 */
export function probe(
  clock: AlarmClock,
  milliseconds: number,
  ask: () => Promise<unknown>,
  onSilence: () => void,
): void {
  const due = performance.now() + milliseconds;
  const cancel = clock.ringIn(milliseconds, () => {
    // Browsers slow hidden pages down, and freeze them: silence says nothing there.
    if (document.hidden || performance.now() - due > LATE_MS) probe(clock, milliseconds, ask, onSilence);
    else onSilence();
  });
  ask().then(cancel, cancel);
}
