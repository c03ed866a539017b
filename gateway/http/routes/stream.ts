import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { AppContext, AppEnv } from "../../hono-env.ts";
import type { OperationObject } from "../../openapi/openapi-document.ts";
import { header, TRACING, userIdsParameter } from "../../openapi/parameters.ts";
import { constant, GUARDED, responseOf } from "../../openapi/responses.ts";
import { OPENING_TEXT } from "../../stream/sse-format.ts";
import type { StreamHub } from "../../stream/stream-hub.ts";
import { badRequest, methodNotAllowed, problem } from "../problem.ts";
import type { ApiRoute, Security } from "./api-route.ts";
import { parseUserIds } from "./user-ids.ts";

const PATH = "/v1/availabilities/stream";

/** Maximum number of users that a stream can be restricted to. */
const MAX_USER_IDS = 100;

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  // Express's `compression`, and others, would buffer the stream without `no-transform`.
  "Cache-Control": "no-store, no-transform",
  // Caddy's `encode` ignores `no-transform`, never flushes a compressed stream, and skips responses with an encoding.
  // For clients, `identity` is no encoding.
  "Content-Encoding": "identity",
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
  const requested = parseUserIds(new URL(context.req.url).searchParams, MAX_USER_IDS);
  if ("issues" in requested) return badRequest(400, requested.detail, requested.issues);
  const replica = await customer.availabilities.open(context.req.raw.signal);
  if (context.req.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
  const response = context.env.outgoing;
  if (!response || !("setHeaders" in response)) throw new Error("A stream can be written by an HTTP/1.1 server only");
  // Not the context, which would stay in memory as long as the stream.
  const caller = context.get("caller");
  const { access } = customer;
  response.writeHead(200, STREAM_HEADERS);
  // Node and proxies delay the head until the body, whose first event can be a change or a heartbeat much later.
  response.write(OPENING_TEXT);
  hub.open({
    customer: customer.id,
    replica,
    userIds: requested.userIds === "all" ? undefined : new Set(requested.userIds),
    response,
    lastEventId: readCursor(context.req.header("Last-Event-ID")),
    endsAtMs: caller?.endsAtMs,
    isAllowed: () => access.isStillAllowed?.(caller) ?? true,
    onFormatted: context.get("countFormatted"),
  });
  return RESPONSE_ALREADY_SENT;
}

function readCursor(header: string | undefined): string | undefined {
  return header && header.length <= MAX_CURSOR_LENGTH ? header : undefined;
}

const EVENTS = `Server-sent events. Their data is JSON:

- \`reset\`: drop the availabilities received so far. A snapshot follows. The \`id\` is empty, so that the client clears its cursor.
- \`availability\`: a ChangedAvailability. In a snapshot it has no \`id\`; as a change its \`id\` is the cursor.
- \`unreadable\`: \`{ userId }\` of an agent that exists, whose availability the gateway cannot read at present. It is part of a snapshot only.
- \`current\`: the client has everything up to the cursor in its \`id\`. It ends a snapshot. On a stream for some agents it also comes with a heartbeat if other agents have changed, so that the cursor stays recent.
- \`removal\`: a Removal, with the cursor as \`id\`.

A stream begins with the comment \`open\`. An empty comment is sent every 15 s as a heartbeat. Before a gateway closes, it sends \`retry\` with the time until the client should reconnect.`;

/** Operation that streams changes of some agents, or of all. */
function followAll(security: Security): OperationObject {
  return {
    operationId: "streamAvailabilities",
    summary: "Streams agents' availabilities as they change",
    description: EVENTS,
    security,
    parameters: [
      userIdsParameter(
        "The agents to follow. Without it, all agents that the token allows. An agent that does not exist is in no snapshot; if the agent is added, a change follows.",
        MAX_USER_IDS,
      ),
      header(
        "Last-Event-ID",
        "The cursor of the last event that the client has received, on a stream for the same agents or for all.",
        "5f0c9a-17",
      ),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "A snapshot and every change after it, or every change after the cursor.",
        {
          "Cache-Control": constant(
            "no-store, no-transform",
            "Caches must not store the stream, and proxies must not compress it.",
          ),
          "Content-Encoding": constant("identity", "Keeps proxies from compressing the stream, which would delay it."),
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
