import { MAX_USER_IDS } from "../http/routes/user-ids.ts";
import { header } from "./header-parameter.ts";
import type { OperationObject, ParameterObject, ResponseObject } from "./openapi-document.ts";
import { GUARDED, HEADERS, json, orUpstreamResponse, problemResponse, responseOf } from "./responses.ts";
import { schemaOf } from "./schemas.ts";

/** Security requirements: each entry names a scheme, and an empty entry allows anonymous calls. */
export type Security = OperationObject["security"];

const AVAILABILITY = {
  userId: 123,
  status: "available",
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl: 0,
  version: 1760000000000,
};

const EVENTS = `Server-sent events. Their data is JSON:

- \`reset\`: drop the availabilities received so far. A snapshot follows. The \`id\` is empty, so that the client clears its cursor.
- \`availability\`: a ChangedAvailability. In a snapshot it has no \`id\`; as a change its \`id\` is the cursor.
- \`current\`: the snapshot is complete. Its \`id\` is the cursor.
- \`removal\`: a Removal, with the cursor as \`id\`.

A comment is sent every 15 s as a heartbeat. Before a gateway closes, it sends \`retry\` with the time until the client should reconnect.`;

const USER_ID: ParameterObject = {
  name: "userId",
  in: "path",
  description: "The agent.",
  required: true,
  schema: schemaOf("UserId"),
  example: 123,
};

const TRACING: readonly ParameterObject[] = [
  header("traceparent", "W3C trace context.", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
  header("tracestate", "State of that trace, by other services.", "congo=t61rcWkgMzE"),
  header("X-Request-Id", "Id of the request for the gateway's log.", "crm-4711"),
];

/** Operation to read one agent. */
export function readOne(security: Security): OperationObject {
  return {
    operationId: "readAvailability",
    summary: "Reads one agent's availability",
    security,
    parameters: [
      USER_ID,
      header("If-None-Match", "Entity tags that the client has cached.", '"1760000000000"'),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      ...orUpstreamResponse(problemResponse(404, "No user 404404")),
      200: responseOf(
        "The agent's availability.",
        { ...HEADERS.entityTag, ...HEADERS.revalidated, ...HEADERS.age },
        json("Availability", AVAILABILITY),
      ),
      304: responseOf("The client has cached this version. Its countdown continues.", {
        ...HEADERS.entityTag,
        ...HEADERS.revalidated,
        ...HEADERS.age,
      }),
    },
  };
}

const IF_MATCH = header(
  "If-Match",
  "Versions of which the agent must have one, as strong entity tags, or `*`.",
  '"1760000000000"',
);

const CHANGE = {
  required: true,
  content: json("StatusChange", { status: "out_for_lunch" }),
} as const;

/** Responses to a change that was not made. `notFound` is an example of a 404's detail. */
function rejectedChange(notFound: string): OperationObject["responses"] {
  return {
    ...GUARDED,
    ...orUpstreamResponse({
      ...problemResponse(404, notFound),
      ...problemResponse(412, "The user's version is 1760000000000", HEADERS.entityTag),
      ...problemResponse(413, "A change has at most 4096 bytes"),
      ...problemResponse(415, "A change must be application/json", {
        "Accept-Encoding": { description: "The accepted encoding.", schema: { const: "identity" } },
      }),
      ...problemResponse(422, "The body is not a status change"),
    }),
  };
}

/** Operation to set one agent. */
export function changeOne(security: Security): OperationObject {
  return {
    operationId: "setAvailability",
    summary: "Sets one agent's status",
    description:
      "Needs a token with the scope `availability:write`: the agent's own, or the operator's. If no telephony system lists the agents, the operator creates an agent by setting a status, without `If-Match`.",
    security,
    parameters: [USER_ID, IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...rejectedChange("No user 404404"),
      200: changed("The new availability."),
      201: changed("The availability of a new agent."),
    },
  };
}

/** Operation to set the agent in the token. */
export function changeOwn(security: Security): OperationObject {
  return {
    operationId: "setOwnAvailability",
    summary: "Sets the status of the agent in the token",
    description:
      "Needs an agent's token with the scope `availability:write`. `Content-Location` names the agent. The operator is not an agent, and gets 404.",
    security,
    parameters: [IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...rejectedChange("The operator is not an agent and has no availability"),
      200: changed("The new availability."),
    },
  };
}

function changed(description: string): ResponseObject {
  const headers = {
    ...HEADERS.entityTag,
    ...HEADERS.uncached,
    "Content-Location": {
      description: "The address of the availability in the body.",
      required: true,
      schema: { type: "string" },
    },
  } as const;
  return responseOf(description, headers, json("Availability", { ...AVAILABILITY, status: "out_for_lunch" }));
}

const LIST_HEADERS = {
  ...HEADERS.entityTagOfAll,
  ...HEADERS.revalidated,
  ...HEADERS.age,
  Vary: {
    description: "A long list is compressed if the client accepts gzip.",
    required: true,
    schema: { const: "Accept-Encoding" },
  },
} as const;

/** Operation to read several agents, or all. */
export function readMany(security: Security): OperationObject {
  return {
    operationId: "readAvailabilities",
    summary: "Reads many agents' availabilities, or all",
    security,
    parameters: [
      {
        name: "userIds",
        in: "query",
        description: "The agents to read; repeated ids are read once. Without it, all agents that the token allows.",
        style: "form",
        explode: false,
        schema: { type: "array", items: schemaOf("UserId"), minItems: 1, maxItems: MAX_USER_IDS },
        example: [101, 123],
      },
      header("If-None-Match", "Entity tags of lists of all agents that the client has cached.", 'W/"5f0c9a-17"'),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "The availabilities of the agents that exist, and a problem for each other agent. A list of all agents also has the time of each last change, in milliseconds since 1970, and the cursor at which the stream continues.",
        {
          ...LIST_HEADERS,
          "Content-Encoding": { description: "The compression.", schema: { const: "gzip" } },
        },
        json("AvailabilityList", {
          availabilities: { 123: AVAILABILITY },
          errors: { 9: { type: "about:blank", title: "Not Found", status: 404, detail: "No user 9" } },
        }),
      ),
      304: responseOf("The client has cached this list. Its countdowns continue.", LIST_HEADERS),
    },
  };
}

/** Operation to stream changes of all agents. */
export function followAll(security: Security): OperationObject {
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
