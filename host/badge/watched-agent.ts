/** One agent with all badges that show it: a single watch, which ends some time after the last badge is out of sight. */
import type { Connector, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { type AgentContent, LOADING, readContent } from "./agent-content.ts";

/** Maximum delay of a timer, some 23 days: browsers fire a timer of more than 2^31 ms at once. */
const MAX_TIMER_MS = 2e9;

/** Delay before the end of a watch whose badges are out of sight, in milliseconds: rows of a list come back as people scroll. */
const LINGER_MS = 30_000;

export interface WatchedAgent<Badge> {
  readonly userId: number;
  /** Badges that show the agent. */
  readonly badges: Set<Badge>;
  /** What they show. */
  content: AgentContent;
  /**
   * Watches the agent if a badge is near the screen, and otherwise ends the watch later.
   *
   * @param canLinger false to end it at once: a page can watch 5,000 agents.
   */
  settle(canLinger: boolean): void;
  /** Ends the watch at once. What the badges show is outdated from now on. */
  stop(): void;
}

/**
 * Creates an agent who is not watched yet.
 *
 * @param onContent is called with each change of the content.
 * @param onStopped is called without a watch, and without a badge near the screen.
 */
export function createWatchedAgent<Badge extends { readonly isNear: boolean }>(
  connector: Pick<Connector, "watch">,
  userId: number,
  onContent: (badge: Badge) => void,
  onStopped: () => void,
): WatchedAgent<Badge> {
  let latest: WatchedAvailability | undefined;
  let status: WatchStatus | undefined;
  /** True from a status on that says that the latest availability does not count, until the status `live` or another availability. */
  let isGone = false;
  let endsAt = 0;
  let unwatch: (() => void) | undefined;
  let lingerTimer: ReturnType<typeof setTimeout> | undefined;
  /** Fires at the end of the wrap-up time, which is no change: the gateway sends no event. */
  let wrapUpTimer: ReturnType<typeof setTimeout> | undefined;
  const agent: WatchedAgent<Badge> = {
    userId,
    badges: new Set(),
    content: LOADING,
    settle(canLinger) {
      if ([...agent.badges].some((badge) => badge.isNear)) {
        clearTimeout(lingerTimer);
        lingerTimer = undefined;
        unwatch ??= connector.watch(userId, handleAvailability, { onStatus: handleStatus });
      } else if (canLinger && unwatch) lingerTimer ??= setTimeout(agent.stop, LINGER_MS);
      else agent.stop();
    },
    stop() {
      clearTimeout(lingerTimer);
      unwatch?.();
      unwatch = lingerTimer = latest = status = undefined;
      isGone = false;
      const { content } = agent;
      // Nobody knows any more, and people may see it for a moment when it comes back.
      if (content.state !== "loading") {
        show({ ...content, stale: true, callable: false, since: content.since ?? Date.now() });
      }
      onStopped();
    },
  };

  function handleAvailability(availability: WatchedAvailability): void {
    latest = availability;
    isGone = false;
    endsAt = performance.now() + (availability.wrapUpTimeTtl ?? 0) * 1_000;
    update();
  }

  function handleStatus(next: WatchStatus): void {
    status = next;
    if (next.status !== "stale" && next.status !== "error") isGone = next.status !== "live";
    update();
  }

  function update(): void {
    if (status) show(readContent(agent.content, !isGone && latest, status, endsAt));
  }

  function show(content: AgentContent): void {
    clearTimeout(wrapUpTimer);
    if (content.wrapUp && unwatch) {
      wrapUpTimer = setTimeout(update, Math.min(MAX_TIMER_MS, endsAt - performance.now()));
    }
    agent.content = content;
    agent.badges.forEach(onContent);
  }
  return agent;
}
