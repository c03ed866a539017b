import type { UnauthorizedCall } from "../../auth/authorize.ts";
import { type Clock, systemClock } from "../../clock.ts";
import type { Log } from "./log.ts";

/** Lines of one kind for one customer in a window: enough to see who is rejected, and why. */
const MAX_LINES = 10;

/** Length of a window, in milliseconds. */
const WINDOW_MS = 60_000;

export interface RejectionLogOptions {
  readonly log: Pick<Log, "warning">;
  /** @default the system clock */
  readonly clock?: Clock;
}

interface Window {
  readonly endsAtMs: number;
  lines: number;
  omitted: number;
}

/**
 * Creates a function that logs rejected requests: for each customer and kind of reason ten lines a minute, because anyone
 * can send bad tokens, and a flood would fill the disk. The first line of a later minute says how many lines were left
 * out; `gateway_requests_unauthorized_total` counts all.
 */
export function createRejectionLog({ log, clock = systemClock }: RejectionLogOptions) {
  // As many entries as customers, known kinds of reasons, and one customer for all unknown ones.
  const windows = new Map<string, Window>();

  return ({ kind, reason, ...context }: UnauthorizedCall): void => {
    const name = `${kind} ${context.customer ?? ""}`;
    const nowMs = clock.monotonicMs();
    const last = windows.get(name);
    const window = last && nowMs < last.endsAtMs ? last : { endsAtMs: nowMs + WINDOW_MS, lines: 0, omitted: 0 };
    windows.set(name, window);
    if (window.lines === MAX_LINES) {
      window.omitted += 1;
      return;
    }
    window.lines += 1;
    const omitted = window === last ? 0 : (last?.omitted ?? 0);
    const note = omitted > 0 ? ` (and ${omitted} more like it before, without lines)` : "";
    log.warning(`Request rejected: ${reason}${note}`, context);
  };
}
