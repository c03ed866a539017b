import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { CachedReading } from "../availability-service.ts";
import type { Customer, Customers } from "../customer.ts";
import { type GivenIdentity, traceRequest } from "../operations/metrics/request-trace.ts";
import type { Observability } from "../operations/observability.ts";
import { matchesEtag } from "./conditional-response.ts";
import { type CachedResponse, createResponseCache } from "./response-cache.ts";
import { AVAILABILITY_PATH } from "./routes/availability.ts";

/** Answers a request, or hands it on to whoever answers all the others, with nothing written yet. */
export type ReadFastPath = (request: IncomingMessage, response: ServerResponse, handOn: () => void) => void;

export interface ReadFastPathOptions {
  readonly customers: Customers;
  readonly operation?: Observability;
}

/** A read that can be answered at once. */
interface Read {
  readonly customer: Customer;
  readonly caller: Caller;
  readonly glimpse: CachedReading;
}

const PATH = /^(?:\/c\/([a-z\d-]+))?\/v1\/users\/([1-9]\d*)\/availability$/;

/** A host as it is nearly always written. Of any other the app judges. */
const PLAIN_HOST =
  /^(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[a-z][a-z\d-]*(?:\.[a-z][a-z\d-]*)*)(?::(?:[1-5]\d{4}|[1-9]\d{0,3}))?$/;

/** Fifty, each with its name and its value. */
const MAX_RAW_HEADERS = 100;

/**
 * Answers the one call that is made all the time, a read of one user with a token that is known already, where it can do
 * so at once. Everything else it hands on to the app, and it refuses nothing itself; a test holds its answers to the app's.
 * It is there for speed alone: the web's Request and Response and a chain of middleware cost several times what is read.
 */
export function createReadFastPath({ customers, operation }: ReadFastPathOptions): ReadFastPath {
  const toAnswer = createResponseCache();
  return (request, response, handOn) => {
    const read = toRead(request, customers);
    if (!read) return handOn();
    const { customer, caller } = read;
    // The app finds the same and tells it.
    if (operation?.trafficLimits.takeRequest({ customer: customer.id, key: caller.key })) return handOn();
    const observation = operation && traceRequest(operation, readIdentity(request), response);
    const status = write(toAnswer(read.glimpse), request, response, observation?.requestId);
    observation?.answer({ route: AVAILABILITY_PATH, method: "GET", status, customer: customer.id });
  };
}

function toRead(request: IncomingMessage, customers: Customers): Read | undefined {
  if (request.method !== "GET" || !isPlain(request)) return undefined;
  const [, customerId, userId] = PATH.exec(request.url ?? "") ?? [];
  if (userId === undefined) return undefined;
  const customer = customers.find(customerId);
  const caller = customer && recallCaller(customer, request.headers.authorization);
  if (!caller?.scopes.has("availability:read")) return undefined;
  // A number that is no user's id is not found.
  const glimpse = customer?.availabilities.peek?.(Number(userId));
  return customer && glimpse && { customer, caller, glimpse };
}

/** Whether there is nothing about the request that the app may have to say something about. */
function isPlain({ headers, rawHeaders, httpVersion }: IncomingMessage): boolean {
  return (
    httpVersion === "1.1" &&
    rawHeaders.length <= MAX_RAW_HEADERS &&
    headers.host !== undefined &&
    PLAIN_HOST.test(headers.host) &&
    headers["content-length"] === undefined &&
    headers["transfer-encoding"] === undefined
  );
}

function recallCaller(customer: Customer, authorization: string | undefined): Caller | undefined {
  if (!authorization?.startsWith("Bearer ")) return undefined;
  return customer.access.verify.getCached?.(authorization.slice("Bearer ".length));
}

/** Writes the answer and returns its status. */
function write(answer: CachedResponse, request: IncomingMessage, response: ServerResponse, requestId?: string): number {
  const isKnown = matchesEtag(request.headers["if-none-match"], answer.etag);
  // A flat list, which is written as it stands; an object is made, read and taken apart for each answer.
  const headers = [...(isKnown ? answer.headersIfHeld : answer.headers)];
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(isKnown ? 304 : 200, headers);
  if (!isKnown) {
    response.write(answer.body);
    // Head and body go as one piece; with what ends the answer behind them they would be a list of pieces, which takes longer.
    response.socket?.uncork();
  }
  response.end();
  return isKnown ? 304 : 200;
}

function readIdentity({ headers }: IncomingMessage): GivenIdentity {
  return { requestId: toText(headers["x-request-id"]), traceparent: toText(headers["traceparent"]) };
}

/** Node joins what is sent more than once, but for one header that is none of these. */
function toText(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
