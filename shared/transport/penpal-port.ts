import { connect, type Messenger } from "penpal";
import { createWindowMessenger } from "./window-messenger.ts";

/** One end of the message channel between page and widget. */
export interface Port {
  /** Resolves at the handshake. penpal leaves the promise pending if the port is closed before. */
  readonly opened: Promise<void>;
  /**
   * Posts an event to the other side and resolves with the return value of its `post`. Rejects before the handshake, and when
   * the port is closed first. If the other window reloads in the meantime, the promise stays pending until this port is closed.
   */
  post(event: unknown): Promise<unknown>;
  /** Closes the port on both sides. Pending calls reject. */
  close(): void;
}

/** The one method that each side exposes. A type alias, because penpal's own type asks for an index signature. */
type Remote = {
  post(event: unknown): unknown;
};

/**
 * Opens a port to another window, as page and widget both do. `receive` handles each event of the other side; it must not throw.
 * The other parameters are those of `createWindowMessenger`.
 */
export function openWindowPort(
  receive: (event: unknown) => unknown,
  ...messenger: Parameters<typeof createWindowMessenger>
): Port {
  return openPort(createWindowMessenger(...messenger), receive);
}

/** Opens a port over a messenger of penpal's. `receive` handles each event of the other side; it must not throw. */
export function openPort(messenger: Messenger, receive: (event: unknown) => unknown): Port {
  let post = (_event: unknown): Promise<unknown> => Promise.reject(new Error("not connected"));
  const { promise, destroy } = connect<Remote>({
    messenger,
    // penpal looks up methods through the prototype chain. Without a prototype, `post` is the only method.
    methods: { __proto__: null, post: receive } as never,
  });
  return {
    opened: promise.then((remote) => {
      // Read once: each access to penpal's proxy creates another proxy.
      post = remote.post;
    }),
    post: (event) => post(event),
    close: destroy,
  };
}
