import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { CachedReading } from "../availability-service.ts";
import type { Customer, Customers } from "../customer.ts";
import { type RequestHeaders, traceRequest } from "../operations/metrics/request-trace.ts";
import type { Observability } from "../operations/observability.ts";
import { matchesEtag } from "./conditional-response.ts";
import { type CachedResponse, createResponseCache } from "./response-cache.ts";
import { AVAILABILITY_PATH } from "./routes/availability.ts";

/** Responds to a request, or calls `next` before the first write. */
export type ReadFastPath = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

export interface ReadFastPathOptions {
  readonly customers: Customers;
  readonly observability?: Observability;
}

/** A read that the fast path can respond to. */
interface Read {
  readonly customer: Customer;
  readonly caller: Caller;
  readonly reading: CachedReading;
}

const PATH = /^(?:\/c\/([a-z\d-]+))?\/v1\/users\/([1-9]\d*)\/availability$/;

/** Common forms of a Host header. The app validates further forms. */
const COMMON_HOST =
  /^(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[a-z][a-z\d-]*(?:\.[a-z][a-z\d-]*)*)(?::(?:[1-5]\d{4}|[1-9]\d{0,3}))?$/;

/** Fifty headers, each with a name and a value. */
const MAX_RAW_HEADERS = 100;

/**
 * Responds from memory to the most frequent request, a read of one user with a cached token. The app gets every other
 * request, rejections included; a test compares the responses of the two. The fast path exists for speed: Request,
 * Response and a chain of middleware cost several times as much as the read.
 */
export function createReadFastPath({ customers, observability }: ReadFastPathOptions): ReadFastPath {
  const getResponse = createResponseCache();
  return (request, response, next) => {
    const read = parseRead(request, customers);
    if (!read) return next();
    const { customer, caller } = read;
    // The app finds the limit exceeded too, and rejects the request.
    if (observability?.rateLimits.countRequest({ customer: customer.id, key: caller.key })) return next();
    const requestTrace = observability && traceRequest(observability, readTraceHeaders(request), response);
    const status = write(getResponse(read.reading), request, response, requestTrace?.requestId);
    requestTrace?.respond({ route: AVAILABILITY_PATH, method: "GET", status, customer: customer.id });
  };
}

function parseRead(request: IncomingMessage, customers: Customers): Read | undefined {
  if (request.method !== "GET" || !isEligible(request)) return undefined;
  const [, customerId, userId] = PATH.exec(request.url ?? "") ?? [];
  if (userId === undefined) return undefined;
  const customer = customers.find(customerId);
  const caller = customer && getCachedCaller(customer, request.headers.authorization);
  if (!caller?.scopes.has("availability:read")) return undefined;
  // Missing for a number that is not a valid user id.
  const reading = customer?.availabilities.getCached?.(Number(userId));
  return customer && reading && { customer, caller, reading };
}

/** True if the app has no reason to reject the request's form. */
function isEligible({ headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  return (
    httpVersion === "1.1" &&
    rawHeaders.length <= MAX_RAW_HEADERS &&
    headers.host !== undefined &&
    COMMON_HOST.test(headers.host) &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined
  );
}

function getCachedCaller(customer: Customer, authorization: string | undefined): Caller | undefined {
  if (!authorization?.startsWith("Bearer ")) return undefined;
  return customer.access.verify.getCached?.(authorization.slice("Bearer ".length));
}

/** Writes the response and returns its status. */
function write(cached: CachedResponse, request: IncomingMessage, response: ServerResponse, requestId?: string): number {
  const isNotModified = matchesEtag(request.headers["if-none-match"], cached.etag);
  // Node writes a flat list unchanged. An object would be created, read and split for each response.
  const headers = [...(isNotModified ? cached.notModifiedHeaders : cached.headers)];
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(isNotModified ? 304 : 200, headers);
  if (!isNotModified) {
    response.write(cached.body);
    // Uncorking now sends head and body in one chunk, which is faster than a list of chunks at the end.
    response.socket?.uncork();
  }
  response.end();
  return isNotModified ? 304 : 200;
}

function readTraceHeaders({ headers }: IncomingMessage): RequestHeaders {
  return { requestId: toText(headers["x-request-id"]), traceparent: toText(headers["traceparent"]) };
}

/** Returns a header with one value. Node joins repeated headers into a string; only `Set-Cookie` is a list. */
function toText(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
