import { type ProblemStatus, toProblemDocument } from "../http/problem.ts";
import type { HeaderObject, MediaTypeObject, ResponseObject } from "./openapi-document.ts";
import { schemaOf } from "./schemas.ts";

type Headers = Readonly<Record<string, HeaderObject>>;

/** Describes a header that always has the value. */
export function constant(value: string, description: string): HeaderObject {
  return { description, required: true, schema: { const: value } };
}

const ENTITY_TAG = { type: "string", pattern: '^"(0|[1-9][0-9]{0,15})"$' } as const;
const SECONDS = { type: "integer", minimum: 1 } as const;

/** Headers of responses, by meaning. */
export const HEADERS = {
  revalidated: {
    "Cache-Control": constant("private, no-cache", "Caches must revalidate, with the entity tag if there is one."),
  },
  uncached: { "Cache-Control": constant("no-store", "Caches must not store the response.") },
  entityTag: {
    ETag: { description: "The availability's version, as a strong entity tag.", required: true, schema: ENTITY_TAG },
  },
  entityTagOfAll: {
    ETag: {
      description:
        "Unchanged while no agent changes; absent if the request names agents, and if an agent cannot be read. A weak entity tag.",
      schema: { type: "string", pattern: '^W/"[0-9a-f]+-[0-9]+"$' },
    },
  },
  age: {
    Age: {
      description: "Greatest age of the response in seconds, while the store or the telephony system is down.",
      schema: SECONDS,
    },
  },
  retryAfter: { "Retry-After": { description: "Seconds until a retry.", schema: SECONDS } },
  challenge: {
    "WWW-Authenticate": {
      description: "The challenge of RFC 6750.",
      schema: { type: "string", pattern: '^Bearer realm="availability-bridge"' },
    },
  },
} as const satisfies Readonly<Record<string, Headers>>;

/** Headers of every response of a route. */
const ALWAYS: Headers = {
  "X-Content-Type-Options": constant("nosniff", "Browsers must not guess the type."),
  "Cross-Origin-Resource-Policy": constant("same-origin", "Pages of other sites must not load the response."),
  "X-Request-Id": {
    description: "Id of the request in the gateway's log: the client's own id, if valid.",
    schema: { type: "string" },
  },
};

/** Creates a response without a problem. */
export function responseOf(description: string, headers: Headers, content?: ResponseObject["content"]): ResponseObject {
  return { description, headers: { ...headers, ...ALWAYS }, ...(content && { content }) };
}

/** Creates JSON content by one of the schemas. */
export function json(name: string, example: unknown): Readonly<Record<string, MediaTypeObject>> {
  return { "application/json": { schema: schemaOf(name), example } };
}

/** Content of the telephony system's own error response, which is forwarded unchanged. */
const UPSTREAM_CONTENT = { "application/json": { schema: {} } };

/** Creates a problem response of the gateway, by status and with an example of the detail. */
export function problemResponse(
  status: ProblemStatus,
  detail: string,
  headers: Headers = {},
): Readonly<Record<string, ResponseObject>> {
  const example = toProblemDocument(status, detail);
  const content = { "application/problem+json": { schema: schemaOf("Problem"), example } };
  return { [status]: responseOf(`${example.title}.`, { ...HEADERS.uncached, ...headers }, content) };
}

/** Adds the telephony system's error responses to the given responses, as content of the same status and as default. */
export function orUpstreamResponse(
  responses: Readonly<Record<string, ResponseObject>>,
): Readonly<Record<string, ResponseObject>> {
  const both = Object.entries(responses).map(([status, response]): [string, ResponseObject] => {
    return [status, { ...response, content: { ...response.content, ...UPSTREAM_CONTENT } }];
  });
  const verbatim = responseOf(
    "The telephony system's response, with its status and its body.",
    { ...HEADERS.uncached, ...HEADERS.retryAfter },
    UPSTREAM_CONTENT,
  );
  return { ...Object.fromEntries(both), "4XX": verbatim, "5XX": verbatim };
}

/** Responses of every call to a malformed request. */
export const MALFORMED: Readonly<Record<string, ResponseObject>> = {
  ...problemResponse(400, "A request names its host in a Host header"),
  ...problemResponse(408, "The request was not complete in time"),
  ...problemResponse(413, "A request's body has at most 65536 bytes"),
  ...problemResponse(414, "A request's address has at most 12288 characters"),
  ...problemResponse(417, "The gateway meets no expectation but 100-continue"),
  ...problemResponse(431, "The request's headers are too large"),
  ...problemResponse(500, "The gateway failed to answer; its log says why"),
};

/** Further responses of every call below `/v1`. */
export const GUARDED: Readonly<Record<string, ResponseObject>> = orUpstreamResponse({
  ...MALFORMED,
  ...problemResponse(401, "This call needs a valid token", HEADERS.challenge),
  ...problemResponse(403, "This call needs a token with the scope availability:read", HEADERS.challenge),
  ...problemResponse(
    429,
    "At most 600 requests a minute are allowed for one subject, with all its tokens, at each gateway",
    HEADERS.retryAfter,
  ),
  ...problemResponse(502, "The telephony system cannot be reached", HEADERS.retryAfter),
  ...problemResponse(503, "The availabilities cannot be reached", HEADERS.retryAfter),
  ...problemResponse(504, "The telephony system did not answer in time", HEADERS.retryAfter),
});
