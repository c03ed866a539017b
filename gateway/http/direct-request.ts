import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { Customer } from "../customer.ts";
import { MAX_URL_LENGTH } from "../operations/limits/limit-requests.ts";
import type { RequestHeaders } from "../operations/metrics/request-trace.ts";

/** Responds to a request, or calls `next` before the first write. */
export type FastPath = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** One of the four numbers of an IPv4 address. */
const BYTE = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;

/** Common forms of a Host header. The app validates further forms, such as names with `xn--`. */
const COMMON_HOST = new RegExp(
  String.raw`^(?!.*xn--)(?:localhost|${BYTE}(?:\.${BYTE}){3}|[a-z][a-z\d-]*(?:\.[a-z][a-z\d-]*)*)(?::(?:[1-5]\d{4}|[1-9]\d{0,3}))?$`,
);

/** Fifty headers, each with a name and a value. */
const MAX_RAW_HEADERS = 100;

/** True if the app has no reason to reject the form of the request's head. */
export function hasPlainHead({ url = "", headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  return (
    httpVersion === "1.1" &&
    url.length <= MAX_URL_LENGTH &&
    rawHeaders.length <= MAX_RAW_HEADERS &&
    headers.host !== undefined &&
    COMMON_HOST.test(headers.host) &&
    headers["transfer-encoding"] === undefined
  );
}

/** Finds the caller of a request whose token is cached; `undefined` if the app must verify the token. */
export function findCachedCaller(customer: Customer, authorization: string | undefined): Caller | undefined {
  if (!authorization?.startsWith("Bearer ")) return undefined;
  return customer.access.verify.getCached?.(authorization.slice("Bearer ".length));
}

/** Reads the headers with a request's id and trace. */
export function readTraceHeaders(headers: IncomingHttpHeaders): RequestHeaders {
  return {
    requestId: toText(headers["x-request-id"]),
    traceparent: toText(headers["traceparent"]),
    tracestate: toText(headers["tracestate"]),
  };
}

/** Returns a header with one value. Node joins repeated headers into a string; only `Set-Cookie` is a list. */
export function toText(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
