/** Turns of the event loop for long work, so that the gateway answers other requests in between. */
export interface Turns {
  /**
   * Resolves when a customer's next piece of work may be done: at once in the turn, which has no other piece. The
   * customers take turns, each in the order of its calls.
   */
  take(customer: string): Promise<void>;
}

/** Creates turns. Each turn of the event loop has one piece of work. */
export function createTurns(): Turns {
  /** Waiting work by customer. The next turn is the first customer's. */
  const waiting = new Map<string, (() => void)[]>();

  function next(): void {
    for (const [customer, works] of waiting) {
      waiting.delete(customer);
      const work = works.shift();
      // Last in the order now.
      if (works.length > 0) waiting.set(customer, works);
      if (waiting.size > 0) setImmediate(next);
      work?.();
      return;
    }
  }

  return {
    take(customer) {
      return new Promise((resolve) => {
        if (waiting.size === 0) setImmediate(next);
        const works = waiting.get(customer);
        if (works) works.push(resolve);
        else waiting.set(customer, [resolve]);
      });
    },
  };
}

/** Turns of this process's event loop. */
export const eventLoopTurns: Turns = createTurns();
