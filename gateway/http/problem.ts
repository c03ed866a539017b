import * as v from "valibot";
import type { Issue } from "../../shared/protocol/rejection.ts";

/** Titles of problems by status: the reason phrases of RFC 9110 §15 and RFC 6585. */
const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;

/** A problem's HTTP status. */
export type ProblemStatus = keyof typeof TITLES;

/** Problem document of RFC 9457. The type is always `about:blank`: the status alone tells a program how to react. */
export const ProblemDocument = v.strictObject({
  type: v.literal("about:blank"),
  title: v.picklist(Object.values(TITLES)),
  status: v.picklist(Object.keys(TITLES).map(Number)),
  /** A sentence for a developer. */
  detail: v.string(),
  /** The invalid parts of the request, with their paths and the expected values. */
  issues: v.exactOptional(v.array(v.strictObject({ path: v.string(), expected: v.string() }))),
});
export type ProblemDocument = v.InferOutput<typeof ProblemDocument>;

/** Creates a problem as data, for a response with several problems. */
export function toProblemDocument(status: ProblemStatus, detail: string): ProblemDocument {
  return { type: "about:blank", title: TITLES[status], status, detail };
}

/** Creates a problem response. `detail` is a sentence for a developer. */
export function problem(
  status: ProblemStatus,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return problemResponse(status, toProblemDocument(status, detail), headers);
}

/** Creates a problem response with the invalid parts of a request. */
export function badRequest(status: 400 | 422, detail: string, issues: readonly Issue[]): Response {
  return problemResponse(status, { ...toProblemDocument(status, detail), issues: [...issues] });
}

function problemResponse(
  status: ProblemStatus,
  document: ProblemDocument,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(document), {
    status,
    // Without `no-store` caches may store a 404 or 405, and the user may exist a moment later.
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers },
  });
}

/** Creates a handler that responds with 405 and the allowed methods. Register after the path's own methods. */
export function methodNotAllowed(allow: string): () => Response {
  return () => problem(405, `Allowed here: ${allow}`, { Allow: allow });
}
