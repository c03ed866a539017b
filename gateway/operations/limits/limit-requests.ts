import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { AppEnv } from "../../hono-env.ts";
import { problem } from "../../http/problem.ts";
import { onResponseClosed } from "../../http/response-close.ts";
import type { Observability } from "../observability.ts";
import { readClientAddress, toClientNetwork } from "./client-address.ts";
import type { LimitExceeded, RateLimitKey } from "./rate-limits.ts";

/** Five hundred user ids of sixteen digits in one query, and room for the rest. */
const MAX_URL_LENGTH = 12_288;

/** Browsers and the proxies before the gateway send some twenty to thirty. */
const MAX_HEADERS = 100;

/** The same as for what a page asks of the widget. */
const MAX_BODY_BYTES = 64 * 1024;

const refuseLargeBody = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => problem(413, `A request's body has ${MAX_BODY_BYTES} bytes at the most`, { Connection: "close" }),
});

/** Refuses requests that are larger than any that the gateway has use for, and those that HTTP/1.1 has a server refuse. */
export const limitRequestSize: MiddlewareHandler<AppEnv> = async (context, next) => {
  const { incoming } = context.env ?? {};
  if (incoming?.httpVersion === "1.1" && incoming.headers.host === undefined) {
    return problem(400, "A request names its host in a Host header");
  }
  // The length without the origin, which is not in what the client has sent.
  const url = incoming?.url ?? context.req.url.replace(/^https?:\/\/[^/]*/, "");
  if (url.length > MAX_URL_LENGTH)
    return problem(414, `A request's address has ${MAX_URL_LENGTH} characters at the most`);
  const headers = (incoming?.rawHeaders.length ?? 0) / 2;
  if (headers > MAX_HEADERS) return problem(431, `A request has ${MAX_HEADERS} headers at the most`);
  // Asking a GET for its body would make a web request of it, which takes longer than all the rest.
  if (context.req.method === "GET" || context.req.method === "HEAD") return next();
  return refuseLargeBody(context, next);
};

/** Refuses requests over their token's or their customer's limit. Register it after what finds out who calls. */
export function limitRequestRate(operation: Observability): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const client = readClient(context, operation);
    const excess = client && operation.trafficLimits.takeRequest(client);
    return excess ? refuse(client, excess, operation) : next();
  };
}

/** Refuses streams beyond those that their token or their customer may have open at once. Register it after what finds out who calls. */
export function limitStreams(operation: Observability): MiddlewareHandler<AppEnv> {
  return async (context, next) => {
    const client = readClient(context, operation);
    const { outgoing } = context.env ?? {};
    // Without a server there is no connection, and no telling when a stream ends.
    if (!client || !outgoing) return next();
    const taken = operation.trafficLimits.takeStream(client);
    if (typeof taken !== "function") return refuse(client, taken, operation);
    onResponseClosed(outgoing, taken);
    return next();
  };
}

function readClient(context: Context<AppEnv>, { trustedProxies }: Observability): RateLimitKey | undefined {
  // Not by `context.var`, which copies all of them at each look.
  const customer = context.get("customer");
  if (!customer) return undefined;
  const caller = context.get("caller");
  if (caller) return { customer: customer.id, key: caller.key };
  const connection = context.env?.incoming?.socket.remoteAddress;
  const address = readClientAddress(connection, context.req.header("X-Forwarded-For"), trustedProxies);
  return { customer: customer.id, key: `network ${toClientNetwork(address)}` };
}

function refuse(client: RateLimitKey, excess: LimitExceeded, { metrics }: Observability): Response {
  metrics.onLimited(client.customer, excess.limit);
  return problem(429, describeExcess(excess), { "Retry-After": `${excess.retryAfterSeconds}` });
}

function describeExcess({ limit, allowed }: LimitExceeded): string {
  const whose =
    limit === "customer" || limit === "streams" ? "for one customer" : "with one token, or from one address";
  const what = limit === "token" || limit === "customer" ? "requests a minute" : "streams at once";
  return `At most ${allowed} ${what} are allowed ${whose}`;
}
