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
  // Without this header nginx buffers the stream.
  "X-Accel-Buffering": "no",
};

/** Maximum length of a cursor. The gateway's own are shorter; a longer text is ignored. */
const MAX_CURSOR_LENGTH = 128;

/** Streams a customer's availabilities as server-sent events. */
export function createStreamRoutes(hub: StreamHub): Hono<AppEnv> {
  return new Hono<AppEnv>().get(PATH, (context) => openStream(context, hub)).all(PATH, methodNotAllowed("GET, HEAD"));
}

/**
 * Opens a stream on Node's own response. Hono would copy each change once more for each of thousands of subscribers.
 */
async function openStream(context: AppContext, hub: StreamHub): Promise<Response> {
  const customer = context.get("customer");
  if (!customer) return problem(404, `Nothing is at ${context.req.path}`);
  const replica = await customer.availabilities.open(context.req.raw.signal);
  if (context.req.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
  const response = context.env.outgoing;
  if (!response || !("setHeaders" in response)) throw new Error("A stream can be written by an HTTP/1.1 server only");
  response.writeHead(200, STREAM_HEADERS);
  // Node delays the head until the body, which can start with the first heartbeat.
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
