import { createServer, type Server, type ServerOptions } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createGateway, type GatewayOptions } from "./app.ts";
import { problem } from "./http/problem.ts";
import { createReadFastPath, type ReadFastPath } from "./http/read-fast-path.ts";
import { type AdminOptions, createAdmin } from "./operations/lifecycle/admin.ts";
import { prepareGracefulClose } from "./operations/lifecycle/graceful-close.ts";
import { listen } from "./operations/lifecycle/listen.ts";
import { respondToClientErrors } from "./operations/limits/client-errors.ts";
import type { Metrics } from "./operations/metrics/metrics.ts";
import type { Settings } from "./settings/settings.ts";
import { createStreamHub } from "./stream/stream-hub.ts";

/** A gateway that listens, or the operator's side of one. */
export interface RunningGateway {
  /** Where it listens: `http://127.0.0.1:4100`. */
  readonly origin: string;
  /** Takes no more requests, answers those in flight, and resolves when the last connection is closed. */
  close(): Promise<void>;
}

const LIMITS: ServerOptions = {
  /** The gateway refuses a request without a Host itself, with a problem. */
  requireHostHeader: false,
  /** Of a request's line and headers, in bytes: the longest address that is answered, a token, and what proxies add. */
  maxHeaderSize: 24 * 1024,
  /** A client has this long to send a request's head, in milliseconds. */
  headersTimeout: 10_000,
  /** And this long for all of it. */
  requestTimeout: 15_000,
  /** How often the two are looked at, in milliseconds. */
  connectionsCheckingInterval: 5000,
  /** Longer than the 60 s after which load balancers drop an idle connection, so that they never reuse a closed one. */
  keepAliveTimeout: 65_000,
};

/** A connection on which nothing moves for this long in the middle of an answer is closed, in milliseconds. A stream's heartbeat moves every 15 s. */
const IDLE_TIMEOUT_MS = 120_000;

/**
 * Starts a gateway on the host and port of its settings.
 *
 * @throws {ListenError} where it cannot listen there.
 */
export async function serveGateway(
  { host, port, operation }: Pick<Settings, "host" | "port"> & Partial<Pick<Settings, "operation">>,
  options: GatewayOptions,
): Promise<RunningGateway> {
  const { streams = createStreamHub({ onDefect: options.onDefect }) } = options;
  const server = createLimitedServer(createGateway({ ...options, streams }).fetch, createReadFastPath(options));
  if (operation) server.maxConnections = operation.maxConnections;
  if (options.operation) countConnections(server, options.operation.metrics);
  // A stream is a request that never ends by itself.
  const close = prepareGracefulClose(server, { endStreams: streams.close });
  return { origin: await listen(server, { host, port, prefix: "GATEWAY", examplePort: 4101 }), close };
}

/**
 * Starts the operator's side of a gateway on the host and port of its settings; `undefined` where they name no port.
 *
 * @throws {ListenError} where it cannot listen there.
 */
export async function serveAdmin(
  { operation: { adminHost: host, adminPort: port } }: Pick<Settings, "operation">,
  options: AdminOptions,
): Promise<RunningGateway | undefined> {
  if (port === undefined) return undefined;
  const server = createLimitedServer(createAdmin(options).fetch);
  const close = prepareGracefulClose(server);
  return { origin: await listen(server, { host, port, prefix: "GATEWAY_ADMIN", examplePort: 9101 }), close };
}

function createLimitedServer(
  fetch: Parameters<typeof getRequestListener>[0],
  answerFirst: ReadFastPath = (_request, _response, handOn) => handOn(),
): Server {
  const answer = getRequestListener(fetch, {
    // The name stands in where a request brings none, as the HTTP/1.0 health checks of load balancers do.
    hostname: "localhost",
    // What the app throws it answers itself, so that this is an address or a host that is none.
    errorHandler: () => problem(400, "The request's address or Host header is malformed"),
  });
  const server = createServer(LIMITS, (request, response) => {
    answerFirst(request, response, () => void answer(request, response));
    // Not by `server.timeout`, whose timer would be set for every answer, also for those that are out at once.
    if (!response.writableFinished) request.socket.setTimeout(IDLE_TIMEOUT_MS);
  });
  // Node would leave out headers beyond a number without a word; the gateway refuses the request instead.
  server.maxHeadersCount = 0;
  respondToClientErrors(server);
  return server;
}

function countConnections(server: Server, metrics: Metrics): void {
  server.on("connection", (socket) => socket.once("close", metrics.onConnection()));
  server.on("drop", () => metrics.onConnectionRefused());
}
