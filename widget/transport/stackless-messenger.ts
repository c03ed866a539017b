import type { Message, Messenger } from "penpal";

/**
 * A messenger that sends errors without their stack. Penpal sends it along, even with its own METHOD_NOT_FOUND,
 * and a stack is nothing for the page around the widget to read.
 */
export function withoutStacks(messenger: Messenger): Messenger {
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
