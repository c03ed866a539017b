import { createDeferred } from "./deferred.ts";

/** Recovery of many customers, several at a time. */
export interface CustomerRecovery {
  /**
   * Resolves when the customer is recovered, or at once if the customer needs no recovery. The customer of a waiting caller
   * is recovered before all others. Rejects with the first error of the recovery.
   */
  whenRecovered(customerId: string): Promise<void>;
  /** Resolves when all customers are recovered. Rejects with the first error. */
  readonly finished: Promise<void>;
}

/** Number of customers that are recovered at the same time: more would delay other commands to Redis. */
const AT_ONCE = 8;

/** Starts to recover the customers, in their order. The first error ends the recovery. */
export function recoverCustomers(
  customerIds: readonly string[],
  recover: (customerId: string) => Promise<void>,
): CustomerRecovery {
  const outcomes = new Map(customerIds.map((customerId) => [customerId, createDeferred<void>()]));
  const waiting = new Set(customerIds);
  const awaited = new Set<string>();

  function takeNext(): string | undefined {
    const [customerId] = awaited.size > 0 ? awaited : waiting;
    if (customerId === undefined) return undefined;
    awaited.delete(customerId);
    waiting.delete(customerId);
    return customerId;
  }

  function abandon(error: unknown): void {
    awaited.clear();
    waiting.clear();
    for (const outcome of outcomes.values()) outcome.reject(error);
  }

  async function recoverNext(): Promise<void> {
    for (let customerId = takeNext(); customerId !== undefined; customerId = takeNext()) {
      try {
        await recover(customerId);
      } catch (error) {
        abandon(error);
        throw error;
      }
      outcomes.get(customerId)?.resolve();
    }
  }

  const finished = Promise.all(Array.from({ length: AT_ONCE }, recoverNext)).then(() => {});
  return {
    async whenRecovered(customerId) {
      if (waiting.has(customerId)) awaited.add(customerId);
      await outcomes.get(customerId)?.promise;
    },
    finished,
  };
}
