import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import type { OperationObject } from "../../openapi/openapi-document.ts";
import { header, TRACING } from "../../openapi/parameters.ts";
import { GUARDED, HEADERS, responseOf } from "../../openapi/responses.ts";
import type { StreamHub } from "../../stream/stream-hub.ts";
import { methodNotAllowed, problem } from "../problem.ts";
import type { ApiRoute, Security } from "./api-route.ts";

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
function createStreamRoutes(hub: StreamHub): Hono<AppEnv> {
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

const EVENTS = `Server-sent events. Their data is JSON:

- \`reset\`: drop the availabilities received so far. A snapshot follows. The \`id\` is empty, so that the client clears its cursor.
- \`availability\`: a ChangedAvailability. In a snapshot it has no \`id\`; as a change its \`id\` is the cursor.
- \`current\`: the snapshot is complete. Its \`id\` is the cursor.
- \`removal\`: a Removal, with the cursor as \`id\`.

A comment is sent every 15 s as a heartbeat. Before a gateway closes, it sends \`retry\` with the time until the client should reconnect.`;

/** Operation that streams changes of all agents. */
function followAll(security: Security): OperationObject {
  return {
    operationId: "streamAvailabilities",
    summary: "Streams all agents' availabilities as they change",
    description: EVENTS,
    security,
    parameters: [
      header("Last-Event-ID", "The cursor of the last event that the client has received.", "5f0c9a-17"),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "A snapshot and every change after it, or every change after the cursor.",
        {
          ...HEADERS.uncached,
          "X-Accel-Buffering": {
            description: "Makes nginx forward each event at once.",
            required: true,
            schema: { const: "no" },
          },
        },
        { "text/event-stream": { schema: { type: "string" }, example: "event: current\nid: 5f0c9a-17\ndata: {}\n\n" } },
      ),
    },
  };
}

/** Stream of a customer's availabilities. */
export const streamRoute: ApiRoute = {
  create: ({ streams }) => createStreamRoutes(streams),
  describe: ({ reading }) => ({ [PATH]: { get: followAll(reading) } }),
};
