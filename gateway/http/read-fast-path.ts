import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { AllReading, AvailabilityService, CachedManyReading, CachedReading } from "../availability-service.ts";
import type { Customer, Customers } from "../customer.ts";
import type { LimitExceeded } from "../operations/limits/limit-exceeded.ts";
import { rejectLimited } from "../operations/limits/limit-requests.ts";
import type { RateLimitKey } from "../operations/limits/rate-limits.ts";
import { traceRequest } from "../operations/metrics/request-trace.ts";
import type { Observability } from "../operations/observability.ts";
import { matchesEtag } from "./conditional-response.ts";
import { type FastPath, findCachedCaller, hasPlainHead, readTraceHeaders, toText } from "./direct-request.ts";
import { endWith, writeWebResponse } from "./direct-response.ts";
import { createListFormatter } from "./list-formatter.ts";
import { type CachedResponse, createResponseCache } from "./response-cache.ts";
import { onResponseClosed } from "./response-close.ts";
import { LIST_PATH, listHeaders, MAX_USER_IDS, toListTag } from "./routes/availabilities.ts";
import { AVAILABILITY_PATH } from "./routes/availability.ts";
import { acceptsGzip, compress, isCompressible } from "./routes/compression.ts";
import { parseValidUserIds } from "./routes/user-ids.ts";
import { SECURITY_HEADER_PAIRS } from "./security-headers.ts";
import { LONG_BYTES, type SharedLists } from "./shared-lists.ts";

export interface ReadFastPathOptions {
  readonly customers: Customers;
  readonly observability?: Observability;
  /** Lists of all agents. */
  readonly lists: SharedLists;
  /** Called with an unexpected error of a request, whose connection is then closed. */
  readonly onDefect: (error: unknown) => void;
}

/** A read that the fast path can respond to: of one user, of several, or of all. */
interface Read {
  readonly customer: Customer;
  readonly caller: Caller;
  readonly reading: CachedReading | CachedManyReading | AllReading;
}

const PATH = /^(?:\/c\/([a-z\d-]+))?\/v1\/(?:users\/([1-9]\d*)\/availability|availabilities(?:\?userIds=([\d,]+))?)$/;

/** Headers of each list: names and values in turn. */
const LIST_HEADERS: readonly string[] = [
  ...SECURITY_HEADER_PAIRS,
  ...Object.entries({
    "Content-Type": "application/json",
    "Cache-Control": "private, no-cache",
    Vary: "Accept-Encoding",
  }).flat(),
];

/** A request with its response. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string | undefined;
  /** Reports the response to the log and the metrics. */
  readonly report: (route: string, status: number) => void;
}

/**
 * Responds from memory to the most frequent requests, reads of one user, of named users or of all with a cached token. The
 * app gets every other request, most rejections included; a test compares the responses of the two. The fast path exists
 * for speed: Request, Response and a chain of middleware cost several times as much as the read.
 */
export function createReadFastPath({ customers, observability, lists, onDefect }: ReadFastPathOptions): FastPath {
  const getResponse = createResponseCache();
  const formatList = createListFormatter();

  /** Writes a list. A long list counts until the client has read the response, and is rejected if too many are unread. */
  function respondWithList(
    exchange: Exchange,
    read: Read,
    body: string | Buffer,
    write: () => void,
  ): Promise<void> | undefined {
    const isLong = body.length >= LONG_BYTES;
    const counted = isLong ? observability?.rateLimits.countUnread(toClient(read)) : undefined;
    if (counted && typeof counted !== "function") return reject(exchange, read, counted);
    try {
      write();
    } finally {
      if (counted) onResponseClosed(exchange.response, counted);
    }
    exchange.report(LIST_PATH, 200);
    return undefined;
  }

  function respondWithMany(exchange: Exchange, read: Read, reading: CachedManyReading): Promise<void> | undefined {
    const respond = (body: string | Buffer) =>
      respondWithList(exchange, read, body, () => writeMany(exchange, body, reading.ageSeconds));
    const text = formatList(reading);
    const isCompressed = isCompressible(toText(exchange.request.headers["accept-encoding"]), text.length);
    return isCompressed ? compress(text).then(respond) : respond(text);
  }

  async function respondWithAll(exchange: Exchange, read: Read, reading: AllReading): Promise<void> {
    const { request, response, report } = exchange;
    const hasTag = reading.unreadable.length === 0;
    if (hasTag && matchesEtag(request.headers["if-none-match"], toListTag(reading.cursor))) {
      writeHead(exchange, 304, listHeaders(reading.ageSeconds, reading.cursor));
      response.end();
      return report(LIST_PATH, 304);
    }
    const { body, isCompressed, cursor } = await lists.read(read.customer.id, reading, {
      acceptsGzip: acceptsGzip(toText(request.headers["accept-encoding"])),
      onFormatted: (agents) => observability?.rateLimits.countFormatted(toClient(read), agents),
    });
    // The client has disconnected. A response written now would count as finished, and its request not as aborted.
    if (response.closed) return report(LIST_PATH, 200);
    return respondWithList(exchange, read, body, () => {
      writeHead(exchange, 200, {
        "Content-Type": "application/json",
        ...listHeaders(reading.ageSeconds, hasTag ? cursor : undefined),
        "Content-Length": `${body.length}`,
        ...(isCompressed && { "Content-Encoding": "gzip" }),
      });
      endWith(response, body);
    });
  }

  async function reject({ response, requestId, report }: Exchange, read: Read, exceeded: LimitExceeded): Promise<void> {
    if (!observability) return;
    const rejection = rejectLimited(read.customer.id, exceeded, observability);
    await writeWebResponse(response, rejection, requestId);
    report("agent" in read.reading ? AVAILABILITY_PATH : LIST_PATH, rejection.status);
  }

  function respond(exchange: Exchange, read: Read): Promise<void> | undefined {
    const { reading } = read;
    if ("missing" in reading) return respondWithMany(exchange, read, reading);
    if (!("agent" in reading)) return respondWithAll(exchange, read, reading);
    exchange.report(AVAILABILITY_PATH, writeOne(exchange, getResponse(reading)));
    return undefined;
  }

  return (request, response, next) => {
    const read = parseRead(request, customers);
    if (!read) return next();
    const { customer, reading } = read;
    const exceeded = observability?.rateLimits.countRequest(toClient(read), countNamed(reading));
    const requestTrace = observability && traceRequest(observability, readTraceHeaders(request.headers), response);
    const exchange: Exchange = {
      request,
      response,
      requestId: requestTrace?.requestId,
      report: (route, status) => requestTrace?.respond({ route, method: "GET", status, customer: customer.id }),
    };
    const responding = exceeded ? reject(exchange, read, exceeded) : respond(exchange, read);
    responding?.catch((error: unknown) => {
      response.destroy();
      onDefect(error);
    });
  };
}

function toClient({ customer, caller }: Read): RateLimitKey {
  return { customer: customer.id, subject: caller.subject };
}

/** Number of agents that are named in a request. */
function countNamed(reading: Read["reading"]): number {
  return "missing" in reading ? reading.agents.length + reading.missing.length : 0;
}

function parseRead(request: IncomingMessage, customers: Customers): Read | undefined {
  if (request.method !== "GET" || !hasPlainHead(request) || hasBody(request)) return undefined;
  const [isRead, customerId, userId, userIds] = PATH.exec(request.url ?? "") ?? [];
  if (!isRead) return undefined;
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

/** Reads one user or a list of users, of which the other is `undefined`. Reads all users if both are. */
function readCached(
  availabilities: AvailabilityService,
  userId: string | undefined,
  userIds: string | undefined,
): Read["reading"] | undefined {
  // Missing for a number that is not a valid user id.
  if (userId !== undefined) return availabilities.getCached?.(Number(userId));
  if (userIds === undefined) return availabilities.getCachedAll?.();
  const parsed = parseValidUserIds(userIds, MAX_USER_IDS);
  return parsed && availabilities.getCachedMany?.(parsed);
}

/** Writes the response to a read of one user, and returns its status. */
function writeOne({ request, response, requestId }: Exchange, cached: CachedResponse): 200 | 304 {
  const isNotModified = matchesEtag(request.headers["if-none-match"], cached.etag);
  // Node writes a flat list unchanged. An object would be created, read and split for each response.
  const headers = [...(isNotModified ? cached.notModifiedHeaders : cached.headers)];
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(isNotModified ? 304 : 200, headers);
  if (isNotModified) response.end();
  else endWith(response, cached.body);
  return isNotModified ? 304 : 200;
}

/** Writes a list of named users of this age, in seconds: as text, or compressed. */
function writeMany({ response, requestId }: Exchange, body: string | Buffer, ageSeconds: number): void {
  const headers = [...LIST_HEADERS, "Content-Length", `${body.length}`];
  if (typeof body !== "string") headers.push("Content-Encoding", "gzip");
  if (ageSeconds > 0) headers.push("Age", `${ageSeconds}`);
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(200, headers);
  endWith(response, body);
}

/** Writes the head of a list of all users. */
function writeHead(
  { response, requestId }: Exchange,
  status: 200 | 304,
  headers: Readonly<Record<string, string>>,
): void {
  const own = [...SECURITY_HEADER_PAIRS, ...Object.entries(headers).flat()];
  if (requestId !== undefined) own.push("X-Request-Id", requestId);
  response.writeHead(status, own);
}
