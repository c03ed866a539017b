/** Takes back a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

/** Functions that hear the same thing. */
export interface Listeners<Heard extends readonly unknown[]> {
  /** Adds a listener. The same function may be added twice and is then called twice. */
  add(listener: (...heard: Heard) => void): Unsubscribe;
  /** Calls each. What is emitted by a listener is heard after what that listener is hearing, so that all hear all in one order. */
  emit(...heard: Heard): void;
  /** Whether nobody listens, so that what they would hear need not be made. */
  isEmpty(): boolean;
}

/** Calls each that was there when the call began and still is. One that throws is reported and disturbs nobody. */
export function callEach<Heard extends readonly unknown[]>(
  listeners: ReadonlySet<(...heard: Heard) => void>,
  heard: Heard,
): void {
  for (const listener of Array.from(listeners)) {
    try {
      if (listeners.has(listener)) listener(...heard);
    } catch (error) {
      reportError(error);
    }
  }
}

/** Creates an empty list of listeners. */
export function createListeners<Heard extends readonly unknown[]>(): Listeners<Heard> {
  const entries = new Set<(...heard: Heard) => void>();
  const queue: Heard[] = [];

  return {
    isEmpty: () => entries.size === 0,
    add(listener) {
      // An entry of its own, so that what one caller takes back is not what another has added.
      const entry = (...heard: Heard): void => listener(...heard);
      entries.add(entry);
      return () => entries.delete(entry);
    },
    emit(...heard) {
      if (queue.push(heard) > 1) return;
      for (let next = queue[0]; next; next = queue[0]) {
        callEach(entries, next);
        queue.shift();
      }
    },
  };
}
