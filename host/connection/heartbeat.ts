import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";

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
    // Browsers slow hidden pages down, and freeze them: silence says nothing there. An alarm that rings a second too late has
    // been held back, and with it the widget's answer.
    if (document.hidden || performance.now() - due > 1_000) probe(clock, milliseconds, ask, onSilence);
    else onSilence();
  });
  ask().then(cancel, cancel);
}
