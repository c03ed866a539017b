/** Titles of the problems that the gateway tells, by status: the phrases of RFC 9110 §15 and RFC 6585. */
export const TITLES = {
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

/**
 * An answer that tells a problem, as RFC 9457 writes it. `detail` is a sentence for a developer.
 * The type is `about:blank`: the status says all that a program can act upon.
 */
export function problem(
  status: ProblemStatus,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(problemText(status, detail), {
    status,
    // A 404 and a 405 may be cached by default, and the user may be there a moment later.
    headers: { "Content-Type": "application/problem+json", "Cache-Control": "no-store", ...headers },
  });
}

/** The body of such an answer. */
export function problemText(status: ProblemStatus, detail: string): string {
  return JSON.stringify({ type: "about:blank", title: TITLES[status], status, detail });
}

/** Answers any request with 405, naming the methods that are allowed. Register it after the path's own methods. */
export function methodNotAllowed(allow: string): () => Response {
  return () => problem(405, `Allowed here: ${allow}`, { Allow: allow });
}
