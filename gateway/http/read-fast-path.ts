import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { AvailabilityService, CachedManyReading, CachedReading } from "../availability-service.ts";
import type { Customer, Customers } from "../customer.ts";
import { traceRequest } from "../operations/metrics/request-trace.ts";
import type { Observability } from "../operations/observability.ts";
import { matchesEtag } from "./conditional-response.ts";
import { type FastPath, findCachedCaller, hasPlainHead, readTraceHeaders, toText } from "./direct-request.ts";
import { endWith } from "./direct-response.ts";
import { createListFormatter } from "./list-formatter.ts";
import { type CachedResponse, createResponseCache } from "./response-cache.ts";
import { LIST_PATH, MAX_USER_IDS } from "./routes/availabilities.ts";
import { AVAILABILITY_PATH } from "./routes/availability.ts";
import { compress, isCompressible } from "./routes/compression.ts";
import { parseValidUserIds } from "./routes/user-ids.ts";
import { SECURITY_HEADER_PAIRS } from "./security-headers.ts";

export interface ReadFastPathOptions {
  readonly customers: Customers;
  readonly observability?: Observability;
  /** Called with an unexpected error of a request, whose connection is then closed. */
  readonly onDefect: (error: unknown) => void;
}

/** A read that the fast path can respond to: of one user, or of several. */
interface Read {
  readonly customer: Customer;
  readonly caller: Caller;
  readonly reading: CachedReading | CachedManyReading;
}

const PATH = /^(?:\/c\/([a-z\d-]+))?\/v1\/(?:users\/([1-9]\d*)\/availability|availabilities\?userIds=([\d,]+))$/;

/** Headers of each list: names and values in turn. */
const LIST_HEADERS: readonly string[] = [
  ...SECURITY_HEADER_PAIRS,
  ...Object.entries({
    "Content-Type": "application/json",
    "Cache-Control": "private, no-cache",
    Vary: "Accept-Encoding",
  }).flat(),
];

/**
 * Responds from memory to the most frequent requests, reads of one user or of named users with a cached token. The app
 * gets every other request, rejections included; a test compares the responses of the two. The fast path exists for
 * speed: Request, Response and a chain of middleware cost several times as much as the read.
 */
export function createReadFastPath({ customers, observability, onDefect }: ReadFastPathOptions): FastPath {
  const getResponse = createResponseCache();
  const formatList = createListFormatter();

  function respond(request: IncomingMessage, response: ServerResponse, { customer, reading }: Read): void {
    const requestTrace = observability && traceRequest(observability, readTraceHeaders(request.headers), response);
    const report = (route: string, status: number) =>
      requestTrace?.respond({ route, method: "GET", status, customer: customer.id });
    if ("agent" in reading) {
      report(AVAILABILITY_PATH, writeOne(getResponse(reading), request, response, requestTrace?.requestId));
      return;
    }
    const respondWithList = (body: string | Buffer) => {
      writeList(response, body, reading.ageSeconds, requestTrace?.requestId);
      report(LIST_PATH, 200);
    };
    const text = formatList(reading);
    const acceptEncoding = toText(request.headers["accept-encoding"]);
    if (!isCompressible(acceptEncoding, text.length)) {
      respondWithList(text);
      return;
    }
    compress(text)
      .then(respondWithList)
      .catch((error: unknown) => {
        response.destroy();
        onDefect(error);
      });
  }

  return (request, response, next) => {
    const read = parseRead(request, customers);
    if (!read) return next();
    const { customer, caller } = read;
    // The app finds the limit exceeded too, and rejects the request.
    if (observability?.rateLimits.countRequest({ customer: customer.id, key: caller.key })) return next();
    respond(request, response, read);
  };
}

function parseRead(request: IncomingMessage, customers: Customers): Read | undefined {
  if (request.method !== "GET" || !hasPlainHead(request) || hasBody(request)) return undefined;
  const [, customerId, userId, userIds] = PATH.exec(request.url ?? "") ?? [];
  if (userId === undefined && userIds === undefined) return undefined;
  const customer = customers.find(customerId);
  if (!customer) return undefined;
  const caller = findCachedCaller(customer, request.headers.authorization);
  if (!caller?.scopes.has("availability:read")) return undefined;
  const reading = readCached(customer.availabilities, userId, userIds);
  return reading && { customer, caller, reading };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined;
}

/** Reads one user or a list of users, of which the other is `undefined`. */
function readCached(
  availabilities: AvailabilityService,
  userId: string | undefined,
  userIds: string | undefined,
): Read["reading"] | undefined {
  // Missing for a number that is not a valid user id.
  if (userId !== undefined) return availabilities.getCached?.(Number(userId));
  const parsed = parseValidUserIds(userIds ?? "", MAX_USER_IDS);
  return parsed && availabilities.getCachedMany?.(parsed);
}

/** Writes the response to a read of one user, and returns its status. */
function writeOne(
  cached: CachedResponse,
  request: IncomingMessage,
  response: ServerResponse,
  requestId?: string,
): 200 | 304 {
  const isNotModified = matchesEtag(request.headers["if-none-match"], cached.etag);
  // Node writes a flat list unchanged. An object would be created, read and split for each response.
  const headers = [...(isNotModified ? cached.notModifiedHeaders : cached.headers)];
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(isNotModified ? 304 : 200, headers);
  if (isNotModified) response.end();
  else endWith(response, cached.body);
  return isNotModified ? 304 : 200;
}

/** Writes a list of this age, in seconds: as text, or compressed. */
function writeList(response: ServerResponse, body: string | Buffer, ageSeconds: number, requestId?: string): void {
  const headers = [...LIST_HEADERS, "Content-Length", `${body.length}`];
  if (typeof body !== "string") headers.push("Content-Encoding", "gzip");
  if (ageSeconds > 0) headers.push("Age", `${ageSeconds}`);
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(200, headers);
  endWith(response, body);
}
