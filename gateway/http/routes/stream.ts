import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import type { StreamHub } from "../../stream/stream-hub.ts";
import { methodNotAllowed, problem } from "../problem.ts";

const PATH = "/v1/availabilities/stream";

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "Cross-Origin-Resource-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  // nginx would otherwise keep what is written until it has a buffer full.
  "X-Accel-Buffering": "no",
};

/** A cursor is the gateway's own and short; whatever else is sent is none. */
const MAX_CURSOR_LENGTH = 128;

/** Serves a customer's availabilities as they change, as server-sent events. */
export function createStreamRoutes(hub: StreamHub): Hono<AppEnv> {
  return new Hono<AppEnv>().get(PATH, (context) => openStream(context, hub)).all(PATH, methodNotAllowed("GET, HEAD"));
}

/**
 * Writes to Node's own response: what Hono would be given as a stream is copied once more for every reader, and a change
 * goes to thousands of them.
 */
async function openStream(context: AppContext, hub: StreamHub): Promise<Response> {
  const customer = context.get("customer");
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const replica = await customer.availabilities.open(context.req.raw.signal);
  if (context.req.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
  const response = context.env.outgoing;
  if (!response || !("setHeaders" in response)) throw new Error("A stream needs a server of HTTP/1.1 to be written to");
  response.writeHead(200, STREAM_HEADERS);
  // Node keeps the head until there is a body, which may be as late as the first heartbeat.
  response.flushHeaders();
  hub.open({
    customer: customer.id,
    replica,
    response,
    lastEventId: readCursor(context.req.header("Last-Event-ID")),
    endsAtMs: context.get("caller")?.endsAtMs,
  });
  return RESPONSE_ALREADY_SENT;
}

function readCursor(header: string | undefined): string | undefined {
  return header && header.length <= MAX_CURSOR_LENGTH ? header : undefined;
}
