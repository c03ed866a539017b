import { type ProblemStatus, toProblemDocument } from "../http/problem.ts";
import type { HeaderObject, MediaTypeObject, ResponseObject } from "./openapi-document.ts";
import { type SchemaName, schemaOf } from "./schemas.ts";

type Headers = Readonly<Record<string, HeaderObject>>;

function constant(value: string, description: string): HeaderObject {
  return { description, required: true, schema: { const: value } };
}

const ENTITY_TAG = { type: "string", pattern: '^"(0|[1-9][0-9]{0,15})"$' } as const;
const SECONDS = { type: "integer", minimum: 1 } as const;

/** The headers of the answers, by what they say. */
export const HEADERS = {
  revalidated: {
    "Cache-Control": constant("private, no-cache", "To be asked for again, with the entity tag where there is one."),
  },
  uncached: { "Cache-Control": constant("no-store", "Not to be kept.") },
  entityTag: {
    ETag: { description: "The availability's version, as a strong entity tag.", required: true, schema: ENTITY_TAG },
  },
  entityTagOfAll: {
    ETag: {
      description: "Stays while no agent changes; not on the answer to a request that names agents. A weak entity tag.",
      schema: { type: "string", pattern: '^W/"[0-9a-f]+-[0-9]+"$' },
    },
  },
  age: {
    Age: {
      description: "How old the answer may be, in seconds, while the store or the telephony system is away.",
      schema: SECONDS,
    },
  },
  retryAfter: { "Retry-After": { description: "How long to wait before the next try, in seconds.", schema: SECONDS } },
  challenge: {
    "WWW-Authenticate": {
      description: "The challenge of RFC 6750.",
      schema: { type: "string", pattern: '^Bearer realm="availability-bridge"' },
    },
  },
} as const satisfies Readonly<Record<string, Headers>>;

/** What every answer of a route says, whatever else it says. */
const ALWAYS: Headers = {
  "X-Content-Type-Options": constant("nosniff", "No browser is to guess the type."),
  "Cross-Origin-Resource-Policy": constant("same-origin", "No page of another site is to load it."),
  "X-Request-Id": {
    description:
      "What the request is called in the gateway's log: the asker's own name for it, where it sent a good one.",
    schema: { type: "string" },
  },
};

/** An answer that is no problem. */
export function responseOf(description: string, headers: Headers, content?: ResponseObject["content"]): ResponseObject {
  return { description, headers: { ...headers, ...ALWAYS }, ...(content && { content }) };
}

/** JSON of one of the schemas. */
export function json(name: SchemaName, example: unknown): Readonly<Record<string, MediaTypeObject>> {
  return { "application/json": { schema: schemaOf(name), example } };
}

/** The telephony system's own refusal, which is handed on word for word. */
const VERBATIM = { "application/json": { schema: {} } };

/** An answer of the gateway's own that tells a problem, by its status and by an example of what it says. */
export function problemResponse(
  status: ProblemStatus,
  detail: string,
  headers: Headers = {},
): Readonly<Record<string, ResponseObject>> {
  const example = toProblemDocument(status, detail);
  const content = { "application/problem+json": { schema: schemaOf("Problem"), example } };
  return { [status]: responseOf(`${example.title}.`, { ...HEADERS.uncached, ...headers }, content) };
}

/** These answers, each of which may also be the telephony system's own, and all others that the telephony system may give. */
export function orVerbatim(
  responses: Readonly<Record<string, ResponseObject>>,
): Readonly<Record<string, ResponseObject>> {
  const both = Object.entries(responses).map(([status, response]): [string, ResponseObject] => {
    return [status, { ...response, content: { ...response.content, ...VERBATIM } }];
  });
  const verbatim = responseOf(
    "What the telephony system answered, with its status and its body.",
    { ...HEADERS.uncached, ...HEADERS.retryAfter },
    VERBATIM,
  );
  return { ...Object.fromEntries(both), "4XX": verbatim, "5XX": verbatim };
}

/** What every call answers to a request that is none that the gateway has use for. */
export const MALFORMED: Readonly<Record<string, ResponseObject>> = {
  ...problemResponse(400, "A request names its host in a Host header"),
  ...problemResponse(408, "The request did not come to its end in time"),
  ...problemResponse(413, "A request's body has 65536 bytes at the most"),
  ...problemResponse(414, "A request's address has 12288 characters at the most"),
  ...problemResponse(417, "No expectation but 100-continue is met here"),
  ...problemResponse(431, "The request's headers are too large"),
  ...problemResponse(500, "The gateway failed to answer; its log says why"),
};

/** What every call below `/v1` may answer in place of what it was asked for. */
export const GUARDED: Readonly<Record<string, ResponseObject>> = orVerbatim({
  ...MALFORMED,
  ...problemResponse(401, "This call needs a valid token", HEADERS.challenge),
  ...problemResponse(403, "This call needs a token with the scope availability:read", HEADERS.challenge),
  ...problemResponse(
    429,
    "At most 600 requests a minute are allowed with one token, or from one address",
    HEADERS.retryAfter,
  ),
  ...problemResponse(502, "The telephony system cannot be reached", HEADERS.retryAfter),
  ...problemResponse(503, "The availabilities cannot be reached", HEADERS.retryAfter),
  ...problemResponse(504, "The telephony system did not answer in time", HEADERS.retryAfter),
});
