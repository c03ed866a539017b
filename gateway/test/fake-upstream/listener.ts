import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";

/** A server that can stop listening, so that connections are refused, and listen again at the same port. */
export interface Listener {
  readonly origin: string;
  listen(): Promise<void>;
  /** Refuses connections and resets open connections. */
  refuse(): Promise<void>;
}

/** Listens on 127.0.0.1. Port 0 picks a free port, which the server uses from then on. */
export async function openListener(port: number, answer: RequestListener): Promise<Listener> {
  const server = createServer(answer);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const taken = typeof address === "object" && address ? address.port : port;
  return {
    origin: `http://127.0.0.1:${taken}`,
    async listen() {
      if (server.listening) return;
      server.listen(taken, "127.0.0.1");
      await once(server, "listening");
    },
    async refuse() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
