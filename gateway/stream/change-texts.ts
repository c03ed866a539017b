import type { Change } from "../store/change-history.ts";
import { formatChange } from "./sse-format.ts";

/** Texts of changes that resuming subscribers miss: many subscribers return at once, and miss the same changes. */
export interface ChangeTexts {
  /** Returns the number of the changes without a text. */
  countMissing(changes: readonly Change[]): number;
  /** Returns the text of a change with its cursor, formatted unless there is a text of the present second. */
  format(change: Change): string;
  /** Drops all texts, to save memory. */
  clear(): void;
}

/** Time for which a text with a running wrap-up time is shared, in milliseconds. Wrap-up times are in whole seconds. */
const SHARED_MS = 1_000;

interface Entry {
  readonly text: string;
  /** Time from which the text is wrong, on the monotonic clock. */
  readonly expiresAtMs: number;
}

/** Creates an empty set of texts. `nowMs` returns the time on the monotonic clock, in milliseconds. */
export function createChangeTexts(nowMs: () => number): ChangeTexts {
  let entries = new WeakMap<Change, Entry>();

  function find(change: Change): string | undefined {
    const entry = entries.get(change);
    return entry && nowMs() < entry.expiresAtMs ? entry.text : undefined;
  }

  return {
    countMissing: (changes) => changes.reduce((count, change) => count + (find(change) === undefined ? 1 : 0), 0),
    format(change) {
      const known = find(change);
      if (known !== undefined) return known;
      const now = nowMs();
      const text = formatChange(change, now);
      const hasWrapUp = "agent" in change && change.agent.wrapUp !== undefined;
      entries.set(change, { text, expiresAtMs: hasWrapUp ? now + SHARED_MS : Number.POSITIVE_INFINITY });
      return text;
    },
    clear() {
      entries = new WeakMap();
    },
  };
}
