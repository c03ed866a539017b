import type { ObserveCall, TraceHeaders } from "../../outgoing-call.ts";
import { systemErrorCode } from "../../system-error.ts";
import { runWithJoinedSignal } from "../joined-signal.ts";
import { type UpstreamContext, UpstreamError } from "../upstream.ts";
import { readLimitedText } from "./read-limited-text.ts";

/** Address and credentials of the API. */
export interface HttpOptions {
  /** Base URL, which ends with a slash. */
  readonly baseUrl: URL;
  readonly apiId: string;
  readonly apiToken: string;
  /** Timeout of a call, body included, in milliseconds. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
  readonly customerId: string;
  /** Runs each call, for metrics and traces. */
  readonly observe: ObserveCall;
}

/** Call of the API: a `PUT` with a body, otherwise a `GET`. */
export interface AircallRequest {
  readonly operation: "list" | "read" | "set";
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  readonly body?: unknown;
  readonly trace?: Pick<UpstreamContext, "traceparent" | "tracestate">;
}

/**
 * Sends a request and resolves with the JSON of the response.
 *
 * @throws {UpstreamError} if the response is a redirect, has an error status, is too large or is no JSON, or if no
 * response comes in time.
 * @throws The signal's reason when it aborts.
 */
export type SendRequest = (path: string, call: AircallRequest) => Promise<unknown>;

/** Creates the function that sends requests with Basic credentials, in the `Authorization` header only. */
export function createSendRequest(options: HttpOptions): SendRequest {
  const { baseUrl, apiId, apiToken, timeoutMs } = options;
  const authorization = `Basic ${Buffer.from(`${apiId}:${apiToken}`).toString("base64")}`;

  function send(path: string, call: AircallRequest, { signal, trace }: SendOptions): Promise<Response> {
    return options.fetch(new URL(path, baseUrl), {
      method: call.body === undefined ? "GET" : "PUT",
      headers: {
        authorization,
        accept: "application/json",
        ...(trace?.traceparent !== undefined && { traceparent: trace.traceparent }),
        ...(trace?.tracestate !== undefined && { tracestate: trace.tracestate }),
        ...(call.body !== undefined && { "content-type": "application/json" }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      // A redirect could send the credentials to another origin.
      redirect: "manual",
      signal,
    });
  }

  async function sendRequest(path: string, call: AircallRequest, span: TraceHeaders): Promise<unknown> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      // The call's own span if there is one; otherwise the trace of the request that causes the call.
      const trace = span.traceparent === undefined ? call.trace : span;
      return await runWithJoinedSignal([call.signal, timeout], async (signal) => {
        const response = await send(path, call, { signal, trace });
        return toJson(response, await readLimitedText(response.body, call.maxBytes));
      });
    } catch (error) {
      call.signal.throwIfAborted();
      if (error instanceof UpstreamError) throw error;
      if (timeout.aborted) {
        throw new UpstreamError(`The telephony system did not respond within ${timeoutMs} ms`, { isTimeout: true });
      }
      throw new UpstreamError(`The telephony system could not be reached (${describe(error)})`, {}, { cause: error });
    }
  }

  return (path, call) => {
    const { operation, signal } = call;
    const { customerId: customer, observe } = options;
    return observe({ service: "upstream", operation, customer, signal }, (span) => sendRequest(path, call, span));
  };
}

interface SendOptions {
  readonly signal: AbortSignal;
  readonly trace: TraceHeaders | undefined;
}

function toJson({ status, headers }: Response, text: string | undefined): unknown {
  if (text === undefined) throw new UpstreamError("The telephony system's response is too large");
  const isUnknown = status < 200 || status > 599;
  if (isUnknown || (status >= 300 && status < 400)) {
    throw new UpstreamError(`The telephony system responded with status ${status}, which the gateway does not accept`);
  }
  const body = parseJson(text);
  if (status >= 400) throw toUpstreamError(status, headers, body === undefined ? { message: text } : body);
  const isJson = /^application\/(.+\+)?json\s*(;|$)/i.test(headers.get("content-type") ?? "");
  if (body === undefined || !isJson) throw new UpstreamError("The telephony system's response is not JSON");
  return body;
}

function toUpstreamError(status: number, headers: Headers, body: unknown): UpstreamError {
  const retryAfterSeconds = parseRetryAfter(headers);
  return new UpstreamError(`The telephony system responded with status ${status}`, {
    status,
    body,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/**
 * Parses `Retry-After` into whole seconds from now. RFC 9110 §10.2.3 allows a number or a date, which counts from the
 * response's `Date`: the clock of this machine may be wrong. Too many digits are invalid.
 */
function parseRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const sentMs = Date.parse(headers.get("date") ?? "");
  const nowMs = Number.isNaN(sentMs) ? Date.now() : sentMs;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - nowMs) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns the code of the error's cause, because the error of `fetch` contains no reason. */
function describe(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemErrorCode(cause) ?? systemErrorCode(error) ?? "unknown reason";
}
