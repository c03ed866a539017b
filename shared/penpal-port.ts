import { connect, type Message, type Messenger } from "penpal";

/** One end of the bus. */
export interface Port {
  /** Resolves at the handshake. Penpal leaves it pending for ever where the port is closed before that. */
  readonly opened: Promise<void>;
  /**
   * Posts an event to the other side and resolves with what its `post` returned.
   * It may never settle: a call in flight when the other window reloads is lost, so callers bring their own timer.
   */
  post(event: unknown): Promise<unknown>;
  /** Closes the port on both sides. Calls in flight reject. */
  close(): void;
}

/** The one method that each side exposes. */
interface Remote {
  readonly post: (event: unknown) => Promise<unknown>;
  // penpal's own type for a set of methods asks for an index signature.
  readonly [method: string]: (event: unknown) => Promise<unknown>;
}

/** Opens a port over penpal. `receive` answers what the other side posts; it must not throw. */
export function openPort(messenger: Messenger, receive: (event: unknown) => unknown): Port {
  const { promise, destroy } = connect<Remote>({
    messenger: withoutStacks(messenger),
    // penpal looks methods up through the prototype chain; without a prototype there is only `post`.
    methods: Object.assign(Object.create(null), { post: receive }),
  });
  return {
    opened: promise.then(() => undefined),
    post: async (event) => (await promise).post(event),
    close: destroy,
  };
}

/** Penpal sends an error with its stack, even its own METHOD_NOT_FOUND: a stack is nobody else's to read. */
function withoutStacks(messenger: Messenger): Messenger {
  return {
    ...messenger,
    sendMessage: (message, transferables) => messenger.sendMessage(withoutStack(message), transferables),
  };
}

function withoutStack(message: Message): Message {
  if (message.type !== "REPLY" || !message.isSerializedErrorInstance) return message;
  const { stack: _stack, ...value } = message.value;
  return { ...message, value };
}
