import type { HttpBindings } from "@hono/node-server";

/**
 * Calls `callback` once, when the response is closed; at once if the response is already closed, because Node emits
 * `close` only once, or written. A client may disconnect while the gateway verifies the token.
 */
export function onResponseClosed(response: HttpBindings["outgoing"], callback: () => void): void {
  if (response.closed || response.writableFinished) callback();
  else response.on("close", callback);
}
