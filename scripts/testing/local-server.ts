/** HTTP servers of the tests, on free ports of this machine. */
import { randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

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

/**
 * Finds a port that is free on every address of this machine, and stays free until the caller uses the port: below the
 * range that systems assign to outgoing connections and to servers on port 0, and above 10080, the highest port that
 * `fetch` and browsers refuse (https://fetch.spec.whatwg.org/#port-blocking).
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}
