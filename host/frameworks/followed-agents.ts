/** Agents that the components of a framework show: one watch of each agent, however many components show the agent. */
import type { UnavailableReason } from "../../shared/contracts/read-availability.ts";
import type { BusError } from "../../shared/protocol/errors.ts";
import { type AgentContent, LOADING } from "../badge/agent-content.ts";
import type { AvailabilityChange } from "../badge/badge-element.ts";
import { createWatchedAgent, type WatchedAgent } from "../badge/watched-agent.ts";
import type { Connector, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import type { Unsubscribe } from "../listeners.ts";

/** What is known of an agent: what a badge of the agent shows, and the availability behind it. */
export interface AgentAvailability {
  /** State as a badge shows it: `loading` until the first availability, `wrapping_up` while the wrap-up time runs. */
  readonly state: AvailabilityChange["state"];
  /** Reason of the state `do_not_disturb`, or `null` without a reason. */
  readonly reason: UnavailableReason | null;
  /** True only if the agent can be called now, and never while `stale` is true. */
  readonly callable: boolean;
  /** True while changes may be missing. The other fields then have the last values. */
  readonly stale: boolean;
  /** With `stale`: time of the latest sign of life, in milliseconds since 1970 by the page's clock, if it is known. */
  readonly since: number | undefined;
  /** The latest availability; `undefined` if there is none that counts. */
  readonly availability: WatchedAvailability | undefined;
  /**
   * Status of the watch; `undefined` until it is known. It says why there is no availability: `unknown-user` and `session-expired` are both
   * the state `unknown`.
   */
  readonly status: WatchStatus["status"] | undefined;
  /** Error of an agent who cannot be read. An ended session has one only if a request was rejected. */
  readonly error: BusError | undefined;
}

/** A component that shows an agent, as `createWatchedAgent` knows a badge: always near the screen. */
interface Follower {
  readonly isNear: true;
  readonly onChange: () => void;
}

interface FollowedAgent {
  readonly watched: WatchedAgent<Follower>;
  /** Returns the same object until the next change. */
  read(): AgentAvailability;
}

/** Maximum number of agents of which some are watched after their last component has gone: a page can watch 5,000. */
const MAX_LINGERING = 2_000;

/** An agent of whom nothing is known yet, and what a server renders. */
export const UNKNOWN_YET: AgentAvailability = toAvailability(LOADING, undefined, undefined);

const agentsByConnector = new WeakMap<Connector, Map<number, FollowedAgent>>();

function toAvailability(
  content: AgentContent,
  latest: WatchedAvailability | undefined,
  news: WatchStatus | undefined,
): AgentAvailability {
  const { state, reason, callable, stale, since } = content;
  // Only the content of an availability that counts has this key.
  const availability = "wrapUp" in content ? latest : undefined;
  return {
    state,
    reason: reason || null,
    callable,
    stale,
    since,
    availability,
    status: news?.status,
    error: news?.error,
  };
}

function createFollowedAgent(connector: Connector, userId: number, onStopped: () => void): FollowedAgent {
  let latest: WatchedAvailability | undefined;
  let news: WatchStatus | undefined;
  /** What `current` was made of. */
  let content: AgentContent | undefined = LOADING;
  let current = UNKNOWN_YET;
  const watcher: Pick<Connector, "watch"> = {
    watch: (userIds, listener, options) =>
      connector.watch(
        userIds,
        (availability) => {
          latest = availability;
          listener(availability);
        },
        {
          onStatus(status) {
            // The content of an agent without an availability is the same for every error.
            if (news?.status !== status.status || news.error !== status.error) content = undefined;
            news = status;
            options?.onStatus?.(status);
          },
        },
      ),
  };
  const watched = createWatchedAgent<Follower>(watcher, userId, ({ onChange }) => onChange(), onStopped);
  return {
    watched,
    read() {
      if (content !== watched.content) {
        content = watched.content;
        current = toAvailability(content, latest, news);
      }
      return current;
    },
  };
}

/**
 * Returns what is known of an agent, without a watch: the same object until the next change.
 *
 * @param connector `undefined` on a server, and until the page has connected
 */
export function readAgent(connector: Connector | undefined, userId: number | null | undefined): AgentAvailability {
  return (connector && userId && agentsByConnector.get(connector)?.get(userId)?.read()) || UNKNOWN_YET;
}

/**
 * Follows an agent until the returned function is called. The watch itself lasts for another 30 s, for a component that comes back.
 *
 * @throws {TypeError} when the user id is not a whole number from 1; the message names `userId`.
 */
export function followAgent(connector: Connector, userId: number, onChange: () => void): Unsubscribe {
  const agents = agentsByConnector.get(connector) ?? new Map<number, FollowedAgent>();
  agentsByConnector.set(connector, agents);
  const agent = agents.get(userId) ?? createFollowedAgent(connector, userId, () => agents.delete(userId));
  const { watched } = agent;
  const follower: Follower = { isNear: true, onChange };
  watched.badges.add(follower);
  watched.settle(true);
  agents.set(userId, agent);
  return () => {
    watched.badges.delete(follower);
    watched.settle(agents.size < MAX_LINGERING);
  };
}
