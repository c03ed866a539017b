import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Part of the connections that is for health checks alone, and the greatest number of them. */
const RESERVED_PART = 0.1;
const MAX_RESERVED = 100;

/** Time after which a reserved connection is closed, in milliseconds. A health check is answered at once. */
const RESERVED_MS = 5_000;

const HEALTH_CHECK = /^\/(?:healthz|readyz)(?:\?|$)/;

/** Connections for health checks, which find the gateway also when clients have taken all others. */
export interface ConnectionReserve {
  /** Returns false if a request may not use its connection. The connection of a health check ends with the response. */
  admits(request: IncomingMessage, response: ServerResponse): boolean;
}

/** Limits a server's open connections, of which the last ones are for health checks. */
export function reserveConnections(server: Server, maxConnections: number): ConnectionReserve {
  const unreserved = maxConnections - Math.min(MAX_RESERVED, Math.floor(maxConnections * RESERVED_PART));
  const reserved = new WeakSet<Socket>();
  let open = 0;
  server.maxConnections = maxConnections;
  server.on("connection", (socket: Socket) => {
    open += 1;
    socket.once("close", () => {
      open -= 1;
    });
    if (open > unreserved) reserve(socket);
  });
  // Over TLS requests have another socket, of which there is one for each connection.
  server.on("secureConnection", (socket: Socket) => {
    if (open > unreserved) reserve(socket);
  });

  function reserve(socket: Socket): void {
    reserved.add(socket);
    const timer = setTimeout(() => socket.destroy(), RESERVED_MS);
    socket.once("close", () => clearTimeout(timer));
  }

  return {
    admits({ socket, url = "" }, response) {
      if (!reserved.has(socket)) return true;
      response.shouldKeepAlive = false;
      return HEALTH_CHECK.test(url);
    },
  };
}
