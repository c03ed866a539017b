import { AVAILABILITY_STATUSES } from "../shared/contracts/availability.ts";
import type { AgentState } from "./store/agent.ts";
import {
  type AvailabilityStore,
  type CustomerStore,
  ignoreUnreadable,
  StoreUnavailableError,
} from "./store/availability-store.ts";

const FIRST_STATUS_ID = 101;

/** Agents to try the product with, by user id. 101 to 110 have each status, in the contract's order. */
export const SAMPLE_AGENTS: ReadonlyMap<number, AgentState> = new Map<number, AgentState>([
  ...AVAILABILITY_STATUSES.map((status, index): [number, AgentState] => [FIRST_STATUS_ID + index, { status }]),
  // Callable: no wrap-up time remains.
  [123, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 0 } }],
  // Has just ended a call. Long enough for a person to see the rest of the wrap-up time after the start.
  [124, { status: "available", wrapUp: { configuredSeconds: 300, leftSeconds: 300 } }],
  [3000, { status: "available" }],
]);

/** Delays of some agents' reads, in milliseconds by user id, to show waiting and cancelling. */
export const SAMPLE_DELAYS_MS: ReadonlyMap<number, number> = new Map([[3000, 3000]]);

/** Inserts the sample agents into a store unless they exist. */
export async function createSampleAgents(store: CustomerStore): Promise<void> {
  for (const [userId, state] of SAMPLE_AGENTS) await ignoreUnreadable(store.insertIfAbsent(userId, state));
}

/**
 * Inserts the sample agents now, or, if the store is unavailable, when the store becomes ready. `done` resolves after
 * the insertion.
 */
export async function createSampleAgentsWhenReady(
  customerId: string,
  store: AvailabilityStore,
  signal: AbortSignal,
): Promise<{ readonly done: Promise<void> }> {
  const introduce = () => createSampleAgents(store.forCustomer(customerId));
  try {
    await introduce();
    return { done: Promise.resolve() };
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
  }
  const later = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await store.whenReady(signal);
        return await introduce();
      } catch (error) {
        if (!signal.aborted && !(error instanceof StoreUnavailableError)) throw error;
      }
    }
  };
  return { done: later() };
}
