/** Ends a subscription. Further calls do nothing. */
export type Unsubscribe = () => void;

/** Functions that are called with the same arguments. */
export interface Listeners<Args extends readonly unknown[]> {
  /** Adds a listener. The same function may be added twice and is then called twice. */
  add(listener: (...args: Args) => void): Unsubscribe;
  /** Calls each listener. What a listener itself emits is queued, so that every listener is called in the same order. */
  emit(...args: Args): void;
  /** True if there is no listener, so that a caller need not make the arguments. */
  isEmpty(): boolean;
}

/** Calls each listener that was there at the start and still is. An error of a listener is reported, and the others are called. */
export function notifyEach<Args extends readonly unknown[]>(
  listeners: ReadonlySet<(...args: Args) => void>,
  args: Args,
): void {
  // Not by `Array.from`, which Prototype.js replaces by a function that returns nothing for a set.
  const present = [...listeners];
  for (const listener of present) {
    try {
      if (listeners.has(listener)) listener(...args);
    } catch (error) {
      reportError(error);
    }
  }
}

/** Creates an empty list of listeners. */
export function createListeners<Args extends readonly unknown[]>(): Listeners<Args> {
  const entries = new Set<(...args: Args) => void>();
  const queue: Args[] = [];

  return {
    isEmpty: () => entries.size === 0,
    add(listener) {
      // One entry per call, so that each caller removes its own listener only.
      const entry = (...args: Args): void => listener(...args);
      entries.add(entry);
      return () => entries.delete(entry);
    },
    emit(...args) {
      if (queue.push(args) > 1) return;
      for (let next = queue[0]; next; next = queue[0]) {
        notifyEach(entries, next);
        queue.shift();
      }
    },
  };
}
