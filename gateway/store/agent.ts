import type { Availability, ChangedAvailability } from "../../shared/contracts/availability.ts";

/** A word for what an agent is doing, or why the agent is unavailable. */
export type Status = Availability["status"];

/** What can be said of an agent. Everything else in an availability follows from it. */
export interface AgentState {
  readonly status: Status;
  /** Absent where the agent has configured no wrap-up time. */
  readonly wrapUp?: {
    /** How long the agent stays unavailable after each call. */
    readonly configuredSeconds: number;
    /** How much of that is left now, at most `configuredSeconds`. */
    readonly leftSeconds: number;
  };
}

/** An agent as a store keeps it. */
export interface StoredAgent {
  readonly userId: number;
  readonly status: Status;
  /** Grows with every change and never goes back. */
  readonly version: number;
  /** When it last changed, in milliseconds since 1970. */
  readonly updatedAt: number;
  /** Absent where the agent has configured no wrap-up time. */
  readonly wrapUp?: {
    readonly configuredSeconds: number;
    /** When it has run down, in milliseconds on this process's monotonic clock. */
    readonly endsAtMs: number;
  };
}

/** How far two ends of a wrap-up time may lie apart and still be the same one, told in whole seconds twice, in milliseconds. */
export const SAME_WRAP_UP_TOLERANCE_MS = 1_500;

/** What the contract says of an agent at this moment of the monotonic clock. */
export function toAvailability({ userId, status, version, wrapUp }: StoredAgent, nowMs: number): Availability {
  if (!wrapUp) return { userId, status, version };
  return {
    userId,
    status,
    wrapUpTimeConfig: wrapUp.configuredSeconds,
    // At a moment before it began, all of it was left.
    wrapUpTimeTtl: Math.min(wrapUp.configuredSeconds, leftSeconds(wrapUp.endsAtMs, nowMs)),
    version,
  };
}

/** As `toAvailability`, with when the agent last changed beside it. */
export function toChangedAvailability(agent: StoredAgent, nowMs: number): ChangedAvailability {
  return { ...toAvailability(agent, nowMs), updatedAt: agent.updatedAt };
}

/** Whether a store's agent is already as this state says, at this moment of the monotonic clock. */
export function isUnchanged({ status, wrapUp }: StoredAgent, state: AgentState, nowMs: number): boolean {
  if (status !== state.status || wrapUp?.configuredSeconds !== state.wrapUp?.configuredSeconds) return false;
  if (!wrapUp || !state.wrapUp) return true;
  const leftMs = Math.max(0, wrapUp.endsAtMs - nowMs);
  return Math.abs(leftMs - state.wrapUp.leftSeconds * 1000) < SAME_WRAP_UP_TOLERANCE_MS;
}

function leftSeconds(endsAtMs: number, nowMs: number): number {
  // Rounded first: the monotonic clock has fractions, and an error in their last digit would add a whole second.
  return Math.ceil(Math.max(0, Math.round(endsAtMs - nowMs)) / 1000);
}
