import type { Server } from "node:http";

/** Requests in flight have this long to be answered once the server closes. */
const GRACE_MS = 10_000;

/**
 * Prepares a server to be closed gracefully, and returns what closes it: it takes no more connections, answers what is
 * in flight, and resolves when the last connection is closed. Call it before the server listens.
 */
export function prepareGracefulClose(server: Server): () => Promise<void> {
  let inFlight = 0;

  // Node's own `close` leaves open what is kept alive after an answer, and what has not asked anything yet, as the
  // connections that browsers open ahead of need.
  function closeUnused(): void {
    if (inFlight === 0) server.closeAllConnections();
    else server.closeIdleConnections();
  }

  server.on("request", (_request, response) => {
    inFlight += 1;
    response.on("close", () => {
      inFlight -= 1;
      if (!server.listening) closeUnused();
    });
  });

  return async () => {
    const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    closeUnused();
    await closed;
    clearTimeout(timer);
  };
}
