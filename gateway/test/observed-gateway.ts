import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { onTestFinished } from "vitest";
import type { UnauthorizedCall } from "../auth/authorize.ts";
import { createTokenVerifier } from "../auth/verify-token.ts";
import type { AvailabilityService } from "../availability-service.ts";
import { createCustomers } from "../customer.ts";
import { createReadiness } from "../operations/lifecycle/readiness.ts";
import { createTrustedProxies } from "../operations/limits/client-address.ts";
import { createRateLimits } from "../operations/limits/rate-limits.ts";
import { createMetrics } from "../operations/metrics/metrics.ts";
import type { Tracing } from "../operations/tracing/tracing.ts";
import { serveGateway } from "../serve.ts";
import { type CustomerLimits, UNLIMITED } from "../settings/customer-settings.ts";
import { createRecordingLog } from "./recording-log.ts";
import { TEST_FILES } from "./test-build.ts";
import { NOW_MS, SECRET_SETTINGS } from "./test-tokens.ts";

export interface ObservedGatewayOptions {
  /** Services by customer. The first customer also owns the addresses without a customer. */
  readonly services: Readonly<Record<string, AvailabilityService>>;
  /** Tokens in the cache of the customers that accept them. */
  readonly tokens: readonly string[];
  /** Limits of each customer. @default none */
  readonly limits?: CustomerLimits;
  /** True if, without `limits`, any number of requests with a bad token is answered as such. @default false */
  readonly hasNoRejectionLimit?: boolean;
  /** False if the gateway caches no tokens: a fast path needs a cached token, so the app responds. @default true */
  readonly cachesTokens?: boolean;
  /** Addresses and subnets of trusted proxies. @default none */
  readonly trustedProxies?: readonly string[];
  /** @default no spans */
  readonly tracing?: Tracing;
  /** @default throws the error */
  readonly onDefect?: (error: unknown) => void;
}

/** A request as a test describes it. */
export interface TestRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  /** True if the body is sent when the gateway has the head. @default false */
  readonly sendsBodyLater?: boolean;
}

/** Creates a clock on which every limit has time to refill between two requests, also that of bad tokens from one address. */
function createRefillingClock() {
  let nowMs = 0;
  return {
    monotonicMs() {
      nowMs += 3_600_000;
      return nowMs;
    },
  };
}

/** Starts a gateway with a log, metrics and limits until the test is over. */
export async function startObservedGateway(options: ObservedGatewayOptions) {
  const { services, tokens, limits = UNLIMITED, cachesTokens = true, trustedProxies = [] } = options;
  const customers = await Promise.all(
    Object.entries(services).map(async ([id, availabilities]) => {
      const verify = createTokenVerifier(SECRET_SETTINGS, id, {
        clock: { wallMs: () => NOW_MS, monotonicMs: () => 1 },
      });
      await Promise.allSettled(tokens.map((token) => verify(token)));
      const access = { verify: cachesTokens ? verify : (token: string) => verify(token), anonymousReads: false };
      return { id, allowedOrigins: ["https://crm.acme.example"], availabilities, access };
    }),
  );
  const { log, records, audits, warnings } = createRecordingLog();
  const { onDefect = log.defect } = options;
  const metrics = createMetrics();
  const healthSources = {
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 1, agents: 5, removedAgents: 2 }),
    historySize: () => ({ entries: 7, bytes: 2_170 }),
    customers: () => [],
  };
  const unauthorized: UnauthorizedCall[] = [];
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    {
      customers: createCustomers(customers, customers[0]?.id ?? ""),
      files: TEST_FILES,
      onDefect,
      onUnauthorized: (call) => void unauthorized.push(call),
      observability: {
        log,
        metrics,
        tracing: options.tracing,
        servesMetrics: false,
        readiness: createReadiness({ healthSources, staleLimitSeconds: 60 }),
        rateLimits: createRateLimits(
          new Map(customers.map(({ id }) => [id, limits])),
          options.hasNoRejectionLimit && !options.limits ? { clock: createRefillingClock() } : {},
        ),
        trustedProxies: createTrustedProxies(trustedProxies) ?? { includes: () => false },
      },
    },
  );
  onTestFinished(gateway.close);
  return {
    origin: gateway.origin,
    send: (testRequest: TestRequest) => send(gateway.origin, testRequest),
    records,
    audits,
    warnings,
    unauthorized,
    /** Returns the number of connections that the gateway takes for open. */
    async openConnections() {
      const { body } = await metrics.read();
      return Number(/^gateway_connections_open (\d+)$/m.exec(body)?.[1]);
    },
    /** Returns the counts of requests, in Prometheus's text format. */
    async counts() {
      const { body } = await metrics.read();
      return body.split("\n").filter((line) => /^gateway_requests_|duration_seconds_count/.test(line));
    },
  };
}

/** Sends a request and returns the response without its variable parts, and decompressed. */
async function send(origin: string, testRequest: TestRequest) {
  const { method = "GET", path, headers = {}, body = "", sendsBodyLater = false } = testRequest;
  const sent = request(`${origin}/`, { method, path, headers });
  const received = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on("response", resolve).on("error", reject);
  });
  if (sendsBodyLater) await sendHead(sent);
  sent.end(body);
  const response = await received;
  const { date, "x-request-id": requestId, ...shown } = response.headers;
  const hasIdentity = date !== undefined && requestId !== undefined;
  // The response to a HEAD has the headers of a compressed body, and no body.
  const isCompressed = shown["content-encoding"] === "gzip" && method !== "HEAD";
  const content = await text(isCompressed ? response.pipe(createGunzip()) : response);
  return { status: response.statusCode, headers: shown, hasIdentity, body: content };
}

/** Sends the head alone, and resolves when the system has it. */
async function sendHead(sent: ClientRequest): Promise<void> {
  sent.flushHeaders();
  const [socket]: unknown[] = await once(sent, "socket");
  if (socket instanceof Socket && socket.connecting) await once(socket, "connect");
  await new Promise(setImmediate);
}
