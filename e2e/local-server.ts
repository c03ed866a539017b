/** An HTTP server of a test's own, on a free port of this machine. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface LocalServer {
  readonly port: number;
  /** Closes the server and every connection that is still open. */
  close(): Promise<void>;
}

/** Starts a server that answers with the given function, and resolves when it listens. */
export async function listen(
  host: "localhost" | "127.0.0.1",
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LocalServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A port of `localhost` that is free now. */
export async function findFreePort(): Promise<number> {
  const { port, close } = await listen("localhost", (_request, response) => void response.end());
  await close();
  return port;
}
