import type { Message, Messenger } from "penpal";

/**
 * Wraps a messenger so that errors cross without their stack. penpal sends the stack, even with its own METHOD_NOT_FOUND,
 * and the stack of one side must not be readable by the other.
 */
export function stripErrorStacks(messenger: Messenger): Messenger {
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
