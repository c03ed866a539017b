import type { Server } from "node:http";

export interface GracefulCloseOptions {
  /** Ends what would go on for as long as its client likes. Called once the server takes no more connections. */
  readonly endStreams?: () => void;
  /** How long what is in flight may take, in milliseconds; then its connection is destroyed. @default 8000 */
  readonly graceMs?: number;
}

/** Leaves two of the ten seconds in which a gateway ends to what is closed after the server. */
const GRACE_MS = 8000;

/**
 * Prepares a server to be closed gracefully, and returns what closes it: it takes no more connections, answers what is
 * in flight, and resolves when the last connection is closed. Call it before the server listens.
 */
export function prepareGracefulClose(
  server: Server,
  { endStreams, graceMs = GRACE_MS }: GracefulCloseOptions = {},
): () => Promise<void> {
  let inFlight = 0;
  let isClosing = false;

  // Node's own `close` leaves open what is kept alive after an answer, and what has not asked anything yet, as the
  // connections that browsers open ahead of need.
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
    // What came over a connection that is still busy: its client is told to open another one, elsewhere.
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
