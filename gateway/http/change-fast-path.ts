import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../auth/caller.ts";
import type { StoreSetter } from "../availability-service.ts";
import type { Customer, Customers } from "../customer.ts";
import type { RequestIdentity } from "../operations/logging/log.ts";
import { type RequestTrace, traceRequest } from "../operations/metrics/request-trace.ts";
import type { Observability } from "../operations/observability.ts";
import type { Status } from "../store/agent.ts";
import { readClientKind, toAuditRecord } from "./audit-changes.ts";
import { type FastPath, findCachedCaller, hasPlainHead, readTraceHeaders, toText } from "./direct-request.ts";
import { endWith, writeWebResponse } from "./direct-response.ts";
import { respondToError } from "./error-response.ts";
import { AVAILABILITY_PATH } from "./routes/availability.ts";
import {
  type Changed,
  changeHeaders,
  findMediaTypeProblem,
  MAX_CHANGE_BYTES,
  makeChange,
  parseChangedStatus,
  readKnownStatus,
} from "./routes/make-change.ts";
import { OWN_USER, parseUserId } from "./routes/user-id.ts";
import { SECURITY_HEADER_PAIRS } from "./security-headers.ts";

export interface ChangeFastPathOptions {
  readonly customers: Customers;
  readonly observability?: Observability;
  /** Called with an unexpected error of a request. The client gets a 500 without the reason. */
  readonly onDefect: (error: unknown, request?: RequestIdentity) => void;
}

/** A change that the fast path can make, as far as it follows from the head of its request. */
interface DirectChange {
  readonly customer: Customer;
  readonly caller: Caller;
  readonly userId: number;
  readonly setStatus: StoreSetter;
  readonly bodyLength: number;
}

const PATH = /^(?:\/c\/([a-z\d-]+))?\/v1\/users\/([1-9]\d*|me)\/availability$/;

/** Decodes as the web's `Request` does: without a byte order mark. */
const decoder = new TextDecoder();

/**
 * Makes the most frequent changes, with a cached token and a body that came with its head, of a customer whose store is
 * authoritative. The app gets every other request; a test compares the responses of the two. The fast path exists for
 * speed: Request, Response and a chain of middleware cost more than the change.
 */
export function createChangeFastPath({ customers, observability, onDefect }: ChangeFastPathOptions): FastPath {
  async function change(request: IncomingMessage, direct: DirectChange, status: Status): Promise<Changed | Response> {
    const { customer, caller, userId, setStatus } = direct;
    const ifMatch = toText(request.headers["if-match"]);
    return makeChange({ customer, subject: caller.subject, userId, status, ifMatch }, setStatus);
  }

  async function respond(request: IncomingMessage, response: ServerResponse, direct: DirectChange): Promise<void> {
    const { customer, caller, userId } = direct;
    const requestTrace = observability && traceRequest(observability, readTraceHeaders(request.headers), response);
    const requested = parseChangedStatus(decoder.decode(readBody(request)));
    const from = readKnownStatus(customer, userId);
    const answer =
      requested instanceof Response
        ? requested
        : await runTraced(requestTrace, () => change(request, direct, requested)).catch((thrown: unknown) =>
            respondToError(thrown, { onDefect, request: toIdentity(requestTrace), isDisconnect: false }),
          );
    const { status } = answer;
    const report = () => {
      requestTrace?.respond({ route: AVAILABILITY_PATH, method: "PUT", status, customer: customer.id });
      const changed = answer instanceof Response ? undefined : answer.availability;
      const change = requested instanceof Response ? undefined : { from, requested, changed };
      observability?.log.audit?.(
        toAuditRecord({
          request: toIdentity(requestTrace),
          customer: customer.id,
          caller,
          userId,
          change,
          status,
          clientKind: readClientKind((name) => toText(request.headers[name])),
        }),
      );
    };
    // The client has disconnected. A response written now would count as finished, and its request not as aborted.
    if (response.closed) return report();
    if (answer instanceof Response) await writeWebResponse(response, answer, requestTrace?.requestId);
    else writeChanged(response, answer, request.url ?? "", requestTrace?.requestId);
    report();
  }

  function respondIfRead(request: IncomingMessage, response: ServerResponse, direct: DirectChange): boolean {
    // The app waits for the rest of a body.
    if (request.readableLength !== direct.bodyLength) return false;
    const client = { customer: direct.customer.id, subject: direct.caller.subject };
    // The app finds the limit exceeded too, and rejects the request.
    if (observability?.rateLimits.countRequest(client)) return false;
    respond(request, response, direct).catch((error: unknown) => {
      response.destroy();
      onDefect(error);
    });
    return true;
  }

  return (request, response, next) => {
    const direct = parseHead(request, customers);
    if (!direct) return next();
    // Node emits the request before it adds the part of the body that came with the head.
    process.nextTick(() => {
      if (!respondIfRead(request, response, direct)) next();
    });
  };
}

function parseHead(request: IncomingMessage, customers: Customers): DirectChange | undefined {
  const { method, url = "", headers } = request;
  if (method !== "PUT" || !hasPlainHead(request)) return undefined;
  const [, customerId, name] = PATH.exec(url) ?? [];
  if (name === undefined) return undefined;
  const customer = customers.find(customerId);
  if (!customer) return undefined;
  const caller = findCachedCaller(customer, headers.authorization);
  const userId = caller?.scopes.has("availability:write") ? findOwnUser(caller, name) : undefined;
  const bodyLength = Number(headers["content-length"]);
  const setStatus = customer.availabilities.getStoreSetter?.();
  const isRejected = !(bodyLength > 0 && bodyLength <= MAX_CHANGE_BYTES) || findMediaTypeProblem(headers) !== undefined;
  if (!caller || userId === undefined || !setStatus || isRejected) return undefined;
  return { customer, caller, userId, setStatus, bodyLength };
}

/** Returns the id of the user named in the path; `undefined` for a user whom the caller may not change, and for no user. */
function findOwnUser({ subject }: Caller, name: string): number | undefined {
  if (name === OWN_USER) return subject === "operator" ? undefined : subject;
  return subject === "operator" || String(subject) === name ? parseUserId(name) : undefined;
}

/** Reads a body that has arrived, and lets Node end the request. */
function readBody(request: IncomingMessage): Buffer {
  const body: unknown = request.read();
  request.resume();
  return body instanceof Buffer ? body : Buffer.alloc(0);
}

function writeChanged(response: ServerResponse, changed: Changed, path: string, requestId?: string): void {
  const body = JSON.stringify(changed.availability);
  const headers = [...SECURITY_HEADER_PAIRS, ...Object.entries(changeHeaders(path, changed.availability)).flat()];
  headers.push("Content-Length", `${body.length}`);
  if (requestId !== undefined) headers.push("X-Request-Id", requestId);
  response.writeHead(changed.status, headers);
  endWith(response, body);
}

function runTraced<Value>(requestTrace: RequestTrace | undefined, handle: () => Value): Value {
  return requestTrace ? requestTrace.run(handle) : handle();
}

function toIdentity(requestTrace: RequestTrace | undefined): RequestIdentity | undefined {
  return requestTrace && { requestId: requestTrace.requestId, traceId: requestTrace.trace().traceId };
}
