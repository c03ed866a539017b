import { reportPageError } from "./report-page-error.ts";

/** Ends a subscription. Further calls do nothing. */
export type Unsubscribe = () => void;

/** List of functions that are called with equal arguments. */
export interface Listeners<Args extends readonly unknown[]> {
  /** Adds a listener. A function that is added twice is called twice. */
  add(listener: (...args: Args) => void): Unsubscribe;
  /** Calls each listener. Arguments emitted by a listener are queued, so that all listeners receive events in order. */
  emit(...args: Args): void;
  /** True if there is no listener. Callers then need not build the arguments. */
  isEmpty(): boolean;
}

/** Calls a listener of the page, if there is one. An error is reported, so that the next listener is called. */
export function callListener<Args extends readonly unknown[]>(
  listener: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    listener?.(...args);
  } catch (error) {
    reportPageError(error);
  }
}

/** Creates an empty list of listeners. */
export function createListeners<Args extends readonly unknown[]>(): Listeners<Args> {
  const entries = new Set<(...args: Args) => void>();
  const queue: Args[] = [];

  return {
    isEmpty: () => !entries.size,
    add(listener) {
      // An entry per call, so that unsubscribing removes only the caller's listener.
      const entry = (...args: Args): void => listener(...args);
      entries.add(entry);
      return () => entries.delete(entry);
    },
    emit(...args) {
      if (queue.push(args) > 1) return;
      for (let next = queue[0]; next; next = queue[0]) {
        // Each listener that was subscribed at the start and still is. Not `Array.from`: Prototype.js replaces `Array.from` by a
        // function that returns an empty array for a set.
        const present = [...entries];
        for (const listener of present) if (entries.has(listener)) callListener(listener, ...next);
        queue.shift();
      }
    },
  };
}
