import { connect, type Messenger } from "penpal";

/** One end of the bus. */
export interface Port {
  /** Resolves at the handshake. Penpal leaves it pending for ever where the port is closed before that. */
  readonly opened: Promise<unknown>;
  /**
   * Posts an event to the other side and resolves with what its `post` returned.
   * It may never settle: a call in flight when the other window reloads is lost, so callers bring their own timer.
   */
  post(event: unknown): Promise<unknown>;
  /** Closes the port on both sides. Calls in flight reject. */
  close(): void;
}

/** The one method that each side exposes. A type alias, since penpal's own type asks for an index signature. */
type Remote = {
  post(event: unknown): unknown;
};

/** Opens a port over penpal. `receive` answers what the other side posts; it must not throw. */
export function openPort(messenger: Messenger, receive: (event: unknown) => unknown): Port {
  const { promise, destroy } = connect<Remote>({
    messenger,
    // penpal looks methods up through the prototype chain; without a prototype there is only `post`.
    methods: { __proto__: null, post: receive } as never,
  });
  // Taken once: each look at the proxy for the other side makes a new proxy.
  const opened = promise.then(({ post }) => post);
  return {
    opened,
    post: async (event) => (await opened)(event),
    close: destroy,
  };
}
