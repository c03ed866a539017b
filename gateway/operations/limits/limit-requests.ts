import type { Context, MiddlewareHandler } from "hono";
import type { CountRejection } from "../../auth/authorize.ts";
import type { AppEnv } from "../../hono-env.ts";
import { problem } from "../../http/problem.ts";
import { onResponseClosed } from "../../http/response-close.ts";
import { LONG_BYTES } from "../../http/shared-lists.ts";
import { NONE } from "../metrics/customer-label.ts";
import type { Limit } from "../metrics/metrics.ts";
import type { Observability } from "../observability.ts";
import { limitBytesInFlight } from "./bytes-in-flight.ts";
import { readClientAddress, toClientNetwork } from "./client-address.ts";
import { limitBody } from "./limit-body.ts";
import type { LimitExceeded } from "./limit-exceeded.ts";
import type { RateLimitKey } from "./rate-limits.ts";

/** Maximum length of a request's path and query: room for 500 user ids of sixteen digits, and for the rest. */
export const MAX_URL_LENGTH = 12_288;

/** Browsers and proxies send twenty to thirty headers. */
const MAX_HEADERS = 100;

/** The same limit as for a page's request to the widget. */
const MAX_BODY_BYTES = 64 * 1024;

/** A telephony system sends a number with all its agents, or a transcript, and turns a webhook off that rejects it. */
const MAX_WEBHOOK_BYTES = 1024 * 1024;

const WEBHOOK_PATH = /^(\/c\/[^/]+)?\/v1\/upstream\/webhook$/;

const limitBodySize = createBodyLimit(MAX_BODY_BYTES);
const limitWebhookSize = limitBytesInFlight(createBodyLimit(MAX_WEBHOOK_BYTES), { maxBodyBytes: MAX_WEBHOOK_BYTES });

function createBodyLimit(maxSize: number): MiddlewareHandler<AppEnv> {
  const onError = () => problem(413, `A request's body has at most ${maxSize} bytes`, { Connection: "close" });
  return limitBody(maxSize, onError);
}

/** Rejects requests over the size limits, and HTTP/1.1 requests without a Host header. */
export const limitRequestSize: MiddlewareHandler<AppEnv> = async (context, next) => {
  const { incoming } = context.env ?? {};
  if (incoming?.httpVersion === "1.1" && incoming.headers.host === undefined) {
    return problem(400, "A request names its host in a Host header");
  }
  // Length without the origin, which the client has not sent.
  const url = incoming?.url ?? context.req.url.replace(/^https?:\/\/[^/]*/, "");
  if (url.length > MAX_URL_LENGTH) return problem(414, `A request's address has at most ${MAX_URL_LENGTH} characters`);
  const headers = (incoming?.rawHeaders.length ?? 0) / 2;
  if (headers > MAX_HEADERS) return problem(431, `A request has at most ${MAX_HEADERS} headers`);
  // Reading the body of a GET would create a web Request, which takes longer than the rest of the read.
  if (context.req.method === "GET" || context.req.method === "HEAD") return next();
  return (WEBHOOK_PATH.test(context.req.path) ? limitWebhookSize : limitBodySize)(context, next);
};

/** Rejects requests over the subject's or the customer's limit. Register it after `authorize`. */
export function limitRequestRate(observability: Observability): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const client = readRateLimitKey(context, observability);
    if (!client) return next();
    const exceeded = observability.rateLimits.countRequest(client);
    if (exceeded) return rejectLimited(client.customer, exceeded, observability);
    context.set("countFormatted", (count) => observability.rateLimits.countFormatted(client, count));
    context.set("countList", (bytes) => countList(context, client, bytes, observability));
    return next();
  };
}

/** Counts a long list until its client has read it. Returns the response if too many of the client are unread. */
function countList(
  { env }: Context<AppEnv>,
  client: RateLimitKey,
  bytes: number,
  observability: Observability,
): Response | undefined {
  // Without a server there is no connection, so the end of the response is unknown.
  if (bytes < LONG_BYTES || !env?.outgoing) return undefined;
  const counted = observability.rateLimits.countUnread(client);
  if (typeof counted !== "function") return rejectLimited(client.customer, counted, observability);
  onResponseClosed(env.outgoing, counted);
  return undefined;
}

/** Rejects streams over a limit of open streams. Register it after `authorize`. */
export function limitStreams(observability: Observability): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const client = readRateLimitKey(context, observability);
    const { outgoing } = context.env ?? {};
    // Without a server there is no connection, so the end of a stream is unknown.
    if (!client || !outgoing) return next();
    const counted = observability.rateLimits.countStream(client);
    if (typeof counted !== "function") return rejectLimited(client.customer, counted, observability);
    onResponseClosed(outgoing, counted);
    return next();
  };
}

/**
 * Counts requests with a bad token or secret by the network of the client's address, and rejects those over the limit.
 * Good requests from the address are not limited: a whole office may have one address.
 */
export function limitRejections(observability: Observability): CountRejection {
  return (context) => {
    const exceeded = observability.rateLimits.countRejection(readNetwork(context, observability));
    if (!exceeded) return undefined;
    // A line for each would fill the disk.
    context.set("isUnlogged", true);
    return rejectLimited(context.get("customer")?.id ?? NONE, exceeded, observability);
  };
}

function readNetwork(context: Context<AppEnv>, { trustedProxies }: Observability): string {
  const connection = context.env?.incoming?.socket.remoteAddress;
  return toClientNetwork(readClientAddress(connection, context.req.header("X-Forwarded-For"), trustedProxies));
}

function readRateLimitKey(context: Context<AppEnv>, observability: Observability): RateLimitKey | undefined {
  // Not `context.var`, which copies every variable at each access.
  const customer = context.get("customer");
  if (!customer) return undefined;
  const caller = context.get("caller");
  if (caller) return { customer: customer.id, subject: caller.subject };
  return { customer: customer.id, subject: `network ${readNetwork(context, observability)}` };
}

/** Responds to a request over a limit, and counts it. */
export function rejectLimited(
  customer: string,
  exceeded: LimitExceeded,
  { metrics }: Pick<Observability, "metrics">,
): Response {
  metrics.onLimited(customer, exceeded.limit);
  return problem(429, describeLimit(exceeded), { "Retry-After": `${exceeded.retryAfterSeconds}` });
}

/** Describes limits by name, with their number. */
const DESCRIPTIONS: Readonly<Record<Limit, (allowed: number) => string>> = {
  subject: (allowed) => `At most ${allowed} requests a minute are allowed for one subject, with all its tokens`,
  customer: (allowed) => `At most ${allowed} requests a minute are allowed for one customer`,
  streams_per_subject: (allowed) =>
    `At most ${allowed} streams at once are allowed for one subject, with all its tokens`,
  streams: (allowed) => `At most ${allowed} streams at once are allowed for one customer`,
  gateway_streams: (allowed) =>
    `The customer has ${allowed} streams, and the rest of this gateway's is for other customers`,
  unread_lists_per_subject: (allowed) =>
    `At most ${allowed} long lists at once may wait for one subject, with all its tokens, to read them`,
  unread_lists: (allowed) => `At most ${allowed} long lists at once may wait for one customer to read them`,
  refused: (allowed) => `At most ${allowed} requests a minute with a bad token or secret are allowed from one address`,
};

function describeLimit({ limit, allowed }: LimitExceeded): string {
  return `${DESCRIPTIONS[limit](allowed)}, at each gateway`;
}
