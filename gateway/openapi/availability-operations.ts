import { MAX_USER_IDS } from "../http/routes/user-ids.ts";
import { header } from "./header-parameter.ts";
import type { OperationObject, ParameterObject, ResponseObject } from "./openapi-document.ts";
import { GUARDED, HEADERS, json, orVerbatim, problemResponse, responseOf } from "./responses.ts";
import { schemaOf } from "./schemas.ts";

/** Who may call: each entry names a scheme, or nobody in particular. */
export type Security = OperationObject["security"];

const AVAILABILITY = {
  userId: 123,
  status: "available",
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl: 0,
  version: 1760000000000,
};

const EVENTS = `Server-sent events. Their data is JSON:

- \`reset\`: what was told before is void. A snapshot follows. Its \`id\` is empty, so that a reader forgets the cursor that it had.
- \`availability\`: a ChangedAvailability. In a snapshot it has no \`id\`; as a change its \`id\` is the cursor.
- \`current\`: the snapshot is complete. Its \`id\` is the cursor.
- \`removal\`: a Removal, with the cursor as \`id\`.

A comment comes every 15 s. Before it closes, a gateway says with \`retry\` after how long to come back.`;

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
  header("tracestate", "What others have to say of that trace.", "congo=t61rcWkgMzE"),
  header("X-Request-Id", "What the request is to be called in the gateway's log.", "crm-4711"),
];

/** Reading one agent. */
export function readOne(security: Security): OperationObject {
  return {
    operationId: "readAvailability",
    summary: "Reads one agent's availability",
    security,
    parameters: [USER_ID, header("If-None-Match", "Entity tags that the reader holds.", '"1760000000000"'), ...TRACING],
    responses: {
      ...GUARDED,
      ...orVerbatim(problemResponse(404, "No user 404404")),
      200: responseOf(
        "The availability at this moment.",
        { ...HEADERS.entityTag, ...HEADERS.revalidated, ...HEADERS.age },
        json("Availability", AVAILABILITY),
      ),
      304: responseOf("The reader holds it already. A countdown that it runs goes on.", {
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

/** What a change answers where none was made. The detail is an example of what a 404 says. */
function unchanged(notFound: string): OperationObject["responses"] {
  return {
    ...GUARDED,
    ...orVerbatim({
      ...problemResponse(404, notFound),
      ...problemResponse(412, "The user's version is 1760000000000", HEADERS.entityTag),
      ...problemResponse(413, "A change has 4096 bytes at the most"),
      ...problemResponse(415, "A change is written as application/json", {
        "Accept-Encoding": { description: "The encoding that is taken.", schema: { const: "identity" } },
      }),
      ...problemResponse(422, "The body is no change of a status"),
    }),
  };
}

/** Setting one agent. */
export function changeOne(security: Security): OperationObject {
  return {
    operationId: "setAvailability",
    summary: "Sets one agent's status",
    description:
      "Needs a token with the scope `availability:write`: the agent's own, or the operator's. Where no telephony system says who there is, the operator makes an agent known by setting a status, without `If-Match`.",
    security,
    parameters: [USER_ID, IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...unchanged("No user 404404"),
      200: changed("The availability that came of it."),
      201: changed("The availability of an agent who was not known before."),
    },
  };
}

/** Setting the agent that the token stands for. */
export function changeOwn(security: Security): OperationObject {
  return {
    operationId: "setOwnAvailability",
    summary: "Sets the status of the agent that the token stands for",
    description:
      "Needs an agent's token with the scope `availability:write`. `Content-Location` names the agent. The operator is no agent, and gets 404.",
    security,
    parameters: [IF_MATCH, ...TRACING],
    requestBody: CHANGE,
    responses: {
      ...unchanged("The operator is no agent and has no availability"),
      200: changed("The availability that came of it."),
    },
  };
}

function changed(description: string): ResponseObject {
  const headers = {
    ...HEADERS.entityTag,
    ...HEADERS.uncached,
    "Content-Location": {
      description: "The address whose content the body is from now on.",
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
    description: "A long list is compressed for who takes it.",
    required: true,
    schema: { const: "Accept-Encoding" },
  },
} as const;

/** Reading many agents, or all. */
export function readMany(security: Security): OperationObject {
  return {
    operationId: "readAvailabilities",
    summary: "Reads many agents' availabilities, or all",
    security,
    parameters: [
      {
        name: "userIds",
        in: "query",
        description: "The agents, each answered once. All that the token may see, where it is left out.",
        style: "form",
        explode: false,
        schema: { type: "array", items: schemaOf("UserId"), minItems: 1, maxItems: MAX_USER_IDS },
        example: [101, 123],
      },
      header("If-None-Match", "Entity tags of lists of all agents that the reader holds.", 'W/"5f0c9a-17"'),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "Those agents that there are, and a problem for each other one. A list of all says besides when each last changed, in milliseconds since 1970, and the cursor at which the stream goes on from it.",
        {
          ...LIST_HEADERS,
          "Content-Encoding": { description: "How it is compressed.", schema: { const: "gzip" } },
        },
        json("AvailabilityList", {
          availabilities: { 123: AVAILABILITY },
          errors: { 9: { type: "about:blank", title: "Not Found", status: 404, detail: "No user 9" } },
        }),
      ),
      304: responseOf("The reader holds all of it already. The countdowns that it runs go on.", LIST_HEADERS),
    },
  };
}

/** Following all agents. */
export function followAll(security: Security): OperationObject {
  return {
    operationId: "streamAvailabilities",
    summary: "Follows all agents' availabilities as they change",
    description: EVENTS,
    security,
    parameters: [
      header("Last-Event-ID", "The cursor up to which the reader has been told everything.", "5f0c9a-17"),
      ...TRACING,
    ],
    responses: {
      ...GUARDED,
      200: responseOf(
        "A snapshot and every change after it, or every change after the cursor.",
        {
          ...HEADERS.uncached,
          "X-Accel-Buffering": {
            description: "Has nginx hand on each event at once.",
            required: true,
            schema: { const: "no" },
          },
        },
        { "text/event-stream": { schema: { type: "string" }, example: "event: current\nid: 5f0c9a-17\ndata: {}\n\n" } },
      ),
    },
  };
}
