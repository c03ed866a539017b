import type { Availability } from "../shared/contracts/availability.ts";
import type { AvailabilityStore } from "./availability-store.ts";
import { type Clock, systemClock } from "./clock.ts";

/** What can be said of an agent. Everything else in an availability follows from it. */
export interface AgentState {
  readonly status: Availability["status"];
  /** Absent where the agent has configured no wrap-up time. */
  readonly wrapUp?: {
    /** How long the agent stays unavailable after each call. */
    readonly configuredSeconds: number;
    /** How much of that is left now, at most `configuredSeconds`. */
    readonly leftSeconds: number;
  };
}

/** A store that this process keeps in its memory. */
export interface MemoryStore extends AvailabilityStore {
  /** Replaces what is said of an agent, whose version grows. */
  set(userId: number, state: AgentState): void;
}

interface KeptAgent {
  readonly status: Availability["status"];
  readonly version: number;
  readonly wrapUp: { readonly configuredSeconds: number; readonly endsAtMs: number } | undefined;
}

/** An empty store. A wrap-up time runs down by itself, which leaves the version alone. */
export function createMemoryStore(clock: Clock = systemClock): MemoryStore {
  const agents = new Map<number, KeptAgent>();

  return {
    async read(userId, signal) {
      signal.throwIfAborted();
      const agent = agents.get(userId);
      return agent && toAvailability(userId, agent, clock.monotonicMs());
    },

    set(userId, { status, wrapUp }) {
      agents.set(userId, {
        status,
        // The time makes versions grow across a restart, which forgets the previous one.
        version: Math.max((agents.get(userId)?.version ?? 0) + 1, clock.wallMs()),
        wrapUp: wrapUp && {
          configuredSeconds: wrapUp.configuredSeconds,
          endsAtMs: clock.monotonicMs() + wrapUp.leftSeconds * 1000,
        },
      });
    },
  };
}

function toAvailability(userId: number, { status, version, wrapUp }: KeptAgent, nowMs: number): Availability {
  if (!wrapUp) return { userId, status, version };
  // Rounded first: the monotonic clock has fractions, and an error in their last digit would add a whole second.
  const leftMs = Math.max(0, Math.round(wrapUp.endsAtMs - nowMs));
  return {
    userId,
    status,
    wrapUpTimeConfig: wrapUp.configuredSeconds,
    wrapUpTimeTtl: Math.ceil(leftMs / 1000),
    version,
  };
}
