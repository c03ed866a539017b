import { systemErrorCode } from "../../system-error.ts";
import { type UpstreamContext, UpstreamError } from "../upstream.ts";
import { readLimitedText } from "./read-limited-text.ts";

/** Where the API is, and who asks. */
export interface HttpOptions {
  /** Ends with a slash. */
  readonly baseUrl: URL;
  readonly apiId: string;
  readonly apiToken: string;
  /** How long a call may take, its body included, in milliseconds. */
  readonly timeoutMs: number;
  readonly fetch: typeof fetch;
}

/** A call: a `PUT` where there is a body, a `GET` otherwise. */
export interface AircallRequest {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  readonly body?: unknown;
  readonly trace?: Pick<UpstreamContext, "traceparent" | "tracestate">;
}

/**
 * Makes a call and resolves with the JSON that was answered.
 *
 * @throws {UpstreamError} for any answer but 2xx, for one that is no JSON, too large or a redirect, and where there is none in time.
 * @throws The signal's reason when it aborts.
 */
export type SendRequest = (path: string, call: AircallRequest) => Promise<unknown>;

/** Calls an API with Basic credentials, which stand in the `Authorization` header alone. */
export function createSendRequest(options: HttpOptions): SendRequest {
  const { baseUrl, apiId, apiToken, timeoutMs } = options;
  const authorization = `Basic ${Buffer.from(`${apiId}:${apiToken}`).toString("base64")}`;

  function send(path: string, call: AircallRequest, signal: AbortSignal): Promise<Response> {
    return options.fetch(new URL(path, baseUrl), {
      method: call.body === undefined ? "GET" : "PUT",
      headers: {
        authorization,
        accept: "application/json",
        ...(call.trace?.traceparent !== undefined && { traceparent: call.trace.traceparent }),
        ...(call.trace?.tracestate !== undefined && { tracestate: call.trace.tracestate }),
        ...(call.body !== undefined && { "content-type": "application/json" }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      // It could lead to another origin, which must not see the credentials.
      redirect: "manual",
      signal,
    });
  }

  return async function sendRequest(path, call) {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(path, call, AbortSignal.any([call.signal, timeout]));
      return toJson(response, await readLimitedText(response.body, call.maxBytes));
    } catch (error) {
      call.signal.throwIfAborted();
      if (error instanceof UpstreamError) throw error;
      if (timeout.aborted) {
        throw new UpstreamError(`The telephony system did not answer within ${timeoutMs} ms`, { isTimeout: true });
      }
      throw new UpstreamError(`The telephony system could not be reached (${describe(error)})`, {}, { cause: error });
    }
  };
}

function toJson({ status, headers }: Response, text: string | undefined): unknown {
  if (text === undefined) throw new UpstreamError("The telephony system's answer is too large");
  const isUnknown = status < 200 || status > 599;
  if (isUnknown || (status >= 300 && status < 400)) {
    throw new UpstreamError(`The telephony system answered with status ${status}, which the gateway does not follow`);
  }
  const body = parseJson(text);
  if (status >= 400) throw toUpstreamError(status, headers, body === undefined ? { message: text } : body);
  const isJson = /^application\/(.+\+)?json\s*(;|$)/i.test(headers.get("content-type") ?? "");
  if (body === undefined || !isJson) throw new UpstreamError("The telephony system's answer is not JSON");
  return body;
}

function toUpstreamError(status: number, headers: Headers, body: unknown): UpstreamError {
  const retryAfterSeconds = readRetryAfter(headers);
  return new UpstreamError(`The telephony system answered with status ${status}`, {
    status,
    body,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** `Retry-After` in whole seconds from now: RFC 9110 §10.2.3 allows a number or a date. One of too many digits is none. */
function readRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` says no more than that it failed; the reason is the cause. */
function describe(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return systemErrorCode(cause) ?? systemErrorCode(error) ?? "no reason is known";
}
