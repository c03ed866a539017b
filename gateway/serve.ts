import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import { getRequestListener } from "@hono/node-server";
import { createGateway, type GatewayOptions } from "./app.ts";
import { systemClock } from "./clock.ts";
import { createChangeFastPath } from "./http/change-fast-path.ts";
import type { FastPath } from "./http/direct-request.ts";
import { problem } from "./http/problem.ts";
import { createReadFastPath, type ReadFastPathOptions } from "./http/read-fast-path.ts";
import { handleInOrder } from "./http/request-order.ts";
import { SECURITY_HEADERS } from "./http/security-headers.ts";
import { createSharedLists } from "./http/shared-lists.ts";
import { type AdminOptions, createAdmin } from "./operations/lifecycle/admin.ts";
import { prepareGracefulClose } from "./operations/lifecycle/graceful-close.ts";
import { listen } from "./operations/lifecycle/listen.ts";
import { respondToClientErrors } from "./operations/limits/client-errors.ts";
import { type ConnectionReserve, reserveConnections } from "./operations/limits/connection-reserve.ts";
import type { Metrics } from "./operations/metrics/metrics.ts";
import type { Settings } from "./settings/settings.ts";
import type { TlsSettings } from "./settings/tls-settings.ts";
import { createStreamHub } from "./stream/stream-hub.ts";
import { eventLoopTurns } from "./turns.ts";

/** A listening server: the gateway, or the operator's side of a gateway. */
export interface RunningGateway {
  /** Origin of the server: `http://127.0.0.1:4100`. */
  readonly origin: string;
  /** Stops accepting requests, responds to those in flight, and resolves when the last connection is closed. */
  close(): Promise<void>;
}

/** The listening gateway. */
export interface ServedGateway extends RunningGateway {
  /** Uses another certificate for new connections. Open connections go on. Does nothing if the port has no TLS. */
  setCertificate(tls: TlsSettings): void;
}

const LIMITS: ServerOptions = {
  /** The gateway itself rejects a request without a Host header, with a problem. */
  requireHostHeader: false,
  /** Node would drop the second of two `Authorization` headers silently, and the app joins the two. */
  joinDuplicateHeaders: true,
  /**
   * Maximum size of a request's line and headers, in bytes: the longest accepted address, a token, and headers of
   * proxies.
   */
  maxHeaderSize: 24 * 1024,
  /** Timeout for a request's headers, in milliseconds. */
  headersTimeout: 10_000,
  /** Timeout for a whole request, in milliseconds. */
  requestTimeout: 15_000,
  /** Interval of checking the two timeouts, in milliseconds. */
  connectionsCheckingInterval: 5000,
};

/**
 * Time after which an idle connection is closed, in seconds. Longer than the 60 s after which most load balancers close one,
 * so that they never reuse a closed connection.
 */
const DEFAULT_KEEP_ALIVE_SECONDS = 65;

/**
 * Timeout for a connection without traffic in the middle of a response, in milliseconds. A stream has a heartbeat every
 * 15 s.
 */
const IDLE_TIMEOUT_MS = 120_000;

/**
 * Starts a gateway on the host and port of its settings.
 *
 * @throws {ListenError} if the server cannot listen.
 */
export async function serveGateway(
  { host, port, operation, tls }: Pick<Settings, "host" | "port"> & Partial<Pick<Settings, "operation" | "tls">>,
  options: GatewayOptions,
): Promise<ServedGateway> {
  const { streams = createStreamHub({ onDefect: options.onDefect }) } = options;
  const { lists = createSharedLists(eventLoopTurns, systemClock.monotonicMs) } = options;
  const fastPath = createFastPath({ ...options, lists });
  const metrics = options.observability?.metrics;
  let reserve: ConnectionReserve | undefined;
  const server = createLimitedServer(
    createGateway({ ...options, streams, lists }).fetch,
    operation?.keepAliveSeconds,
    (request, response, next) => {
      if (!reserve || reserve.admits(request, response)) return fastPath(request, response, next);
      // As the system does with a connection over the maximum, so that a proxy tries another gateway.
      metrics?.onConnectionRejected();
      request.socket.destroy();
    },
    tls,
  );
  if (operation) reserve = reserveConnections(server, operation.maxConnections);
  if (metrics) countConnections(server, metrics);
  // A stream never ends by itself.
  const close = prepareGracefulClose(server, { endStreams: streams.close });
  const scheme = tls ? "https" : "http";
  return {
    origin: await listen(server, { host, port, scheme, prefix: "GATEWAY", examplePort: 4101 }),
    close,
    setCertificate(next) {
      if (server instanceof TlsServer) server.setSecureContext(next);
    },
  };
}

/**
 * Starts the operator's side of a gateway on the host and port of its settings; `undefined` if the settings have no
 * port.
 *
 * @throws {ListenError} if the server cannot listen.
 */
export async function serveAdmin(
  { operation: { adminHost: host, adminPort: port, keepAliveSeconds } }: Pick<Settings, "operation">,
  options: AdminOptions,
): Promise<RunningGateway | undefined> {
  if (port === undefined) return undefined;
  const server = createLimitedServer(createAdmin(options).fetch, keepAliveSeconds);
  const close = prepareGracefulClose(server);
  return { origin: await listen(server, { host, port, prefix: "GATEWAY_ADMIN", examplePort: 9101 }), close };
}

/** Creates the fast path for changes and reads. */
function createFastPath(options: GatewayOptions & Pick<ReadFastPathOptions, "lists">): FastPath {
  const change = createChangeFastPath(options);
  const read = createReadFastPath(options);
  return (request, response, next) =>
    request.method === "PUT" ? change(request, response, next) : read(request, response, next);
}

function createLimitedServer(
  fetch: Parameters<typeof getRequestListener>[0],
  keepAliveSeconds = DEFAULT_KEEP_ALIVE_SECONDS,
  fastPath: FastPath = (_request, _response, handOn) => handOn(),
  tls?: TlsSettings,
): Server {
  const handleRequest = getRequestListener(fetch, {
    // Host for a request without a Host header, such as an HTTP/1.0 health check of a load balancer.
    hostname: "localhost",
    // The app handles its own errors, so the address or the host is malformed here.
    errorHandler: () => problem(400, "The request's address or Host header is malformed", SECURITY_HEADERS),
  });
  const handleNext = handleInOrder((request, response) => {
    fastPath(request, response, () => void handleRequest(request, response));
    // Not `server.timeout`, which would set a timer for every response, even for a finished response.
    if (!response.writableFinished) request.socket.setTimeout(IDLE_TIMEOUT_MS);
  });
  const server = openServer({ ...LIMITS, keepAliveTimeout: keepAliveSeconds * 1000 }, handleNext, tls);
  // Node would drop headers beyond a limit silently. The gateway rejects the request instead.
  server.maxHeadersCount = 0;
  respondToClientErrors(server);
  return server;
}

/** Timeout for the handshake of TLS, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

function openServer(options: ServerOptions, handle: RequestListener, tls: TlsSettings | undefined): Server {
  if (!tls) return createServer(options, handle);
  const server = createTlsServer({ ...options, ...tls, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, handle);
  // A client that has not spoken TLS could not read a response.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function countConnections(server: Server, metrics: Metrics): void {
  server.on("connection", (socket) => socket.once("close", metrics.onConnection()));
  server.on("drop", () => metrics.onConnectionRejected());
}
