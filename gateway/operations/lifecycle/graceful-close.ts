import type { Server } from "node:http";

export interface GracefulCloseOptions {
  /**
   * Ends the streams, which would stay open as long as their clients like. Called after the server has stopped
   * accepting connections.
   */
  readonly endStreams?: () => void;
  /** Timeout for requests in flight, in milliseconds; then their connections are destroyed. @default 8000 */
  readonly graceMs?: number;
}

/** Leaves two of the gateway's ten seconds to the parts that close after the server. */
const GRACE_MS = 8000;

/**
 * Prepares a server for a graceful close and returns the function to close it. The close stops accepting connections,
 * responds to requests in flight, and resolves when the last connection is closed. Call before the server listens.
 */
export function prepareGracefulClose(
  server: Server,
  { endStreams, graceMs = GRACE_MS }: GracefulCloseOptions = {},
): () => Promise<void> {
  let inFlight = 0;
  let isClosing = false;

  // Node's own `close` keeps connections open that are idle after a response, or have not sent a request yet. Browsers
  // open connections ahead of need.
  function closeUnused(): void {
    if (inFlight === 0) server.closeAllConnections();
    else server.closeIdleConnections();
  }

  function onResponseClosed(): void {
    inFlight -= 1;
    if (isClosing) closeUnused();
  }

  server.prependListener("request", (_request, response) => {
    inFlight += 1;
    // A request on a busy connection: tell the client to open a new connection, to another gateway.
    if (isClosing) response.setHeader("Connection", "close");
    response.on("close", onResponseClosed);
  });

  return async () => {
    isClosing = true;
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    endStreams?.();
    closeUnused();
    await closed;
    clearTimeout(timer);
  };
}
