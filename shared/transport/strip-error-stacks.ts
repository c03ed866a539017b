import type { Messenger } from "penpal";

/**
 * Wraps a messenger so that errors cross without their stack. penpal sends the stack, even with its own METHOD_NOT_FOUND,
 * and the stack of one side must not be readable by the other.
 */
export function stripErrorStacks(messenger: Messenger): Messenger {
  return {
    ...messenger,
    sendMessage(message, transferables) {
      // penpal has copied the error into this object, so the error of the caller keeps its stack.
      if (message.type === "REPLY" && message.isSerializedErrorInstance) delete message.value.stack;
      messenger.sendMessage(message, transferables);
    },
  };
}
