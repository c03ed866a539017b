import type { HttpBindings } from "@hono/node-server";

/**
 * Calls back once a response is closed, which it is once: at once where it is already, since Node tells of that no second time. A client may
 * leave while it is still found out who asks.
 */
export function onResponseClosed(response: HttpBindings["outgoing"], callback: () => void): void {
  if (response.closed) callback();
  else response.on("close", callback);
}
