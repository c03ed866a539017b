/** HTTP servers of the tests, on free ports of this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export { findFreePort } from "./free-port.mjs";

export interface LocalServer {
  readonly port: number;
  /** Closes the server and its open connections. */
  close(): Promise<void>;
}

/**
 * Starts a server that responds with the given function, and resolves when the server listens. Port 0 picks a free
 * port.
 */
export async function listen(
  host: "localhost" | "127.0.0.1",
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
): Promise<LocalServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
