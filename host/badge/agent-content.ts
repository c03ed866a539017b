/** What badges show of one agent: the content is a function of the news of a watch, and of the content before. */
import { readAvailability, type UnavailableReason } from "../../shared/contracts/read-availability.ts";
import type { ShownState, TextKey } from "../../shared/languages/texts.ts";
import type { WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";

/** What a badge shows. Two contents with the same members look the same. */
export interface AgentContent {
  readonly state: ShownState;
  /** Reason of `do_not_disturb`; empty without one. */
  readonly reason: UnavailableReason | "";
  /** True only if the agent can be called now, and this is not outdated. */
  readonly callable: boolean;
  readonly stale: boolean;
  /** Key of the text, or a status that this release does not know, as the backend writes it. */
  readonly text: string;
  /** True if the badge should have a `user-id` by now. */
  readonly isOverdue?: boolean;
  /** With `stale`: time of the latest sign of life, in milliseconds since 1970, if it is known. */
  readonly since?: number | undefined;
  /** With `wrapping_up`: the whole wrap-up time in seconds, if it is known, and its end on the monotonic clock in milliseconds. */
  readonly wrapUp?: false | { readonly seconds: number | undefined; readonly endsAt: number };
}

/** Contents of statuses without an availability. The status `error` keeps the last availability, and marks it as outdated. */
const PLACEHOLDERS: Readonly<Record<Exclude<WatchStatus["status"], "live" | "stale">, AgentContent>> = {
  "unknown-user": createPlaceholder("unknown", "unknown_agent"),
  "session-expired": createPlaceholder("unknown", "session_over"),
  "not-allowed": createPlaceholder("not_allowed"),
  removed: createPlaceholder("removed"),
  error: createPlaceholder("error"),
};

/** Creates the content of a badge without an availability. */
export function createPlaceholder(state: ShownState, text: TextKey = state): AgentContent {
  return { state, reason: "", callable: false, stale: false, text };
}

/** Content of a badge that waits for the first news of its agent. */
export const LOADING = createPlaceholder("loading");

/**
 * Returns the content after news of a watch.
 *
 * @param latest is `false` while the status says that the latest availability does not count.
 * @param endsAt end of the wrap-up time, on the monotonic clock in milliseconds.
 */
export function readContent(
  before: AgentContent,
  latest: WatchedAvailability | undefined | false,
  { status, since }: WatchStatus,
  endsAt: number,
): AgentContent {
  const stale = status !== "live";
  if (!latest) {
    return stale && status !== "stale" ? PLACEHOLDERS[status] : { ...before, stale, since };
  }
  const wrapUpTimeTtl = +(endsAt > performance.now());
  const { state, reason, callable } = readAvailability({ ...latest, wrapUpTimeTtl });
  // The agent is available, but for the wrap-up time.
  const isWrappingUp = !callable && state === "available";
  const shown = isWrappingUp ? "wrapping_up" : state;
  return {
    state: shown,
    reason: reason ?? "",
    callable: callable && !stale,
    stale,
    since,
    text: state === "unknown" ? latest.status : shown,
    wrapUp: isWrappingUp && { seconds: latest.wrapUpTimeConfig, endsAt },
  };
}
