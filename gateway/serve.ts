import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createGateway, type GatewayOptions } from "./app.ts";
import { prepareGracefulClose } from "./graceful-close.ts";
import type { Settings } from "./settings.ts";
import { createStreamHub } from "./stream/stream-hub.ts";
import { systemErrorCode } from "./system-error.ts";

/** A gateway that listens. */
export interface RunningGateway {
  /** Where it listens: `http://127.0.0.1:4100`. */
  readonly origin: string;
  /** Takes no more requests, answers those in flight, and resolves when the last connection is closed. */
  close(): Promise<void>;
}

/** The gateway cannot listen where its settings say. The operator has to act. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

const TIMEOUTS = {
  /** A client has this long to send a request's head, in milliseconds. */
  headersTimeout: 10_000,
  /** And this long for all of it. */
  requestTimeout: 15_000,
  /** Longer than the 60 s after which load balancers drop an idle connection, so that they never reuse a closed one. */
  keepAliveTimeout: 65_000,
};

/**
 * Starts a gateway on the host and port of its settings.
 *
 * @throws {ListenError} where it cannot listen there.
 */
export async function serveGateway(
  settings: Pick<Settings, "host" | "port">,
  options: GatewayOptions,
): Promise<RunningGateway> {
  const { streams = createStreamHub() } = options;
  const app = createGateway({ ...options, streams });
  // The name stands in where a request brings none, as the HTTP/1.0 health checks of load balancers do.
  const answer = getRequestListener(app.fetch, { hostname: "localhost" });
  const server = createServer(TIMEOUTS, (request, response) => void answer(request, response));
  const closeServer = prepareGracefulClose(server);
  const port = await listen(server, settings);
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  return {
    origin: `http://${host}:${port}`,
    close() {
      // A stream is a request that never ends by itself.
      streams.close();
      return closeServer();
    },
  };
}

async function listen(server: Server, { host, port }: Pick<Settings, "host" | "port">): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new ListenError(describeListenFailure(cause, host, port), { cause });
  }
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

function describeListenFailure(cause: unknown, host: string, port: number): string {
  if (systemErrorCode(cause) === "EADDRINUSE") {
    return `Port ${port} of ${host} is in use: stop what uses it, or set another, for example GATEWAY_PORT=4101`;
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return `Cannot listen on port ${port} of ${host}, as GATEWAY_PORT and GATEWAY_HOST say: ${why}`;
}
