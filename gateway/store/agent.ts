import type { Availability, ChangedAvailability } from "../../shared/contracts/availability.ts";

/** Status of an agent: current activity, or reason for being unavailable. */
export type Status = Availability["status"];

/** State of an agent, set by an upstream or a caller. Every other field of an availability follows from the state. */
export interface AgentState {
  readonly status: Status;
  /** Absent if the agent has no wrap-up time configured. */
  readonly wrapUp?: {
    /** Duration of the agent's wrap-up time after every call, in seconds. */
    readonly configuredSeconds: number;
    /** Remaining seconds, at most `configuredSeconds`. */
    readonly leftSeconds: number;
  };
}

/** Agent as a store keeps it. */
export interface StoredAgent {
  readonly userId: number;
  readonly status: Status;
  /** Version, which grows with every change and never decreases. */
  readonly version: number;
  /** Time of the last change, in milliseconds since 1970. */
  readonly updatedAt: number;
  /** Absent if the agent has no wrap-up time configured. */
  readonly wrapUp?: {
    readonly configuredSeconds: number;
    /** End of the wrap-up time, in milliseconds on this process's monotonic clock. */
    readonly endsAtMs: number;
  };
}

/**
 * Largest difference, in milliseconds, between two readings of a wrap-up time's end that were sent in whole seconds.
 */
export const SAME_WRAP_UP_TOLERANCE_MS = 1_500;

/** Builds the agent's availability of the contract, at a moment of the monotonic clock. */
export function toAvailability({ userId, status, version, wrapUp }: StoredAgent, nowMs: number): Availability {
  if (!wrapUp) return { userId, status, version };
  return {
    userId,
    status,
    wrapUpTimeConfig: wrapUp.configuredSeconds,
    // Before the wrap-up time starts, the whole of it remains.
    wrapUpTimeTtl: Math.min(wrapUp.configuredSeconds, leftSeconds(wrapUp.endsAtMs, nowMs)),
    version,
  };
}

/** Builds the agent's availability with the time of the agent's last change. */
export function toChangedAvailability(agent: StoredAgent, nowMs: number): ChangedAvailability {
  return { ...toAvailability(agent, nowMs), updatedAt: agent.updatedAt };
}

/** True if the stored agent already has the given state, at a moment of the monotonic clock. */
export function isUnchanged({ status, wrapUp }: StoredAgent, state: AgentState, nowMs: number): boolean {
  if (status !== state.status || wrapUp?.configuredSeconds !== state.wrapUp?.configuredSeconds) return false;
  if (!wrapUp || !state.wrapUp) return true;
  const leftMs = Math.max(0, wrapUp.endsAtMs - nowMs);
  return Math.abs(leftMs - state.wrapUp.leftSeconds * 1000) < SAME_WRAP_UP_TOLERANCE_MS;
}

function leftSeconds(endsAtMs: number, nowMs: number): number {
  // Round first: the monotonic clock has fractions, and an error in the last digit would add a whole second.
  return Math.ceil(Math.max(0, Math.round(endsAtMs - nowMs)) / 1000);
}
