import * as v from "valibot";
import type { Issue } from "../../shared/protocol/rejection.ts";

/** Titles of the problems that the gateway tells, by status: the phrases of RFC 9110 §15 and RFC 6585. */
const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
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

/** A problem as RFC 9457 writes it. The type is `about:blank`: the status says all that a program can act upon. */
export const ProblemDocument = v.strictObject({
  type: v.literal("about:blank"),
  title: v.picklist(Object.values(TITLES)),
  status: v.picklist(Object.keys(TITLES).map(Number)),
  /** A sentence for a developer. */
  detail: v.string(),
  /** Each part of the request that is bad: where it is, and what was expected there. */
  issues: v.exactOptional(v.array(v.strictObject({ path: v.string(), expected: v.string() }))),
});
export type ProblemDocument = v.InferOutput<typeof ProblemDocument>;

/** A problem as data, as where an answer tells several. */
export function toProblemDocument(status: ProblemStatus, detail: string): ProblemDocument {
  return { type: "about:blank", title: TITLES[status], status, detail };
}

/** An answer that tells a problem. `detail` is a sentence for a developer. */
export function problem(
  status: ProblemStatus,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return answerProblem(status, toProblemDocument(status, detail), headers);
}

/** An answer that names each part of a request that is bad. */
export function badRequest(status: 400 | 422, detail: string, issues: readonly Issue[]): Response {
  return answerProblem(status, { ...toProblemDocument(status, detail), issues: [...issues] });
}

function answerProblem(
  status: ProblemStatus,
  document: ProblemDocument,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(document), {
    status,
    // A 404 and a 405 may be cached by default, and the user may be there a moment later.
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers },
  });
}

/** Answers any request with 405, naming the methods that are allowed. Register it after the path's own methods. */
export function methodNotAllowed(allow: string): () => Response {
  return () => problem(405, `Allowed here: ${allow}`, { Allow: allow });
}
