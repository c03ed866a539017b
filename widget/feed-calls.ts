/** The calls that the live part of the widget follows users by. */
import { BackendRefusal, Refusal } from "../shared/rejection.ts";
import { type BodyOptions, readRetryAfter } from "./whole-response.ts";

/**
 * Opens a stream of server-sent events.
 *
 * @throws {BackendRefusal} with `retryAfterSeconds` where the backend told that, and without a body, which nobody reads.
 * @throws {Refusal} `BACKEND_UNREACHABLE`, or `INVALID_RESPONSE` for what is no such stream.
 * @throws The signal's reason when it aborts.
 */
export async function openEventStream(
  url: URL,
  options: FeedCall,
  onBytes: BodyOptions["onBytes"],
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await ask(url, options);
  const type = response.headers.get("content-type") ?? "";
  if (response.body && /^text\/event-stream\b/i.test(type)) return response.body.pipeThrough(counting(onBytes));
  await response.body?.cancel();
  throw new Refusal("INVALID_RESPONSE", "The backend's answer is no stream of events");
}

/**
 * Asks whether a stream may be had, and opens none.
 *
 * @throws as `openEventStream` does.
 */
export async function reachStream(url: URL, options: FeedCall): Promise<void> {
  await ask(url, { ...options, method: "HEAD" });
}

/** Hands bytes on as they come, and says how many. */
function counting(onBytes: BodyOptions["onBytes"]): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    transform(piece, controller) {
      onBytes(piece.byteLength);
      controller.enqueue(piece);
    },
  });
}

/** What a call says to the browser. */
export interface FeedCall extends Omit<RequestInit, "signal"> {
  readonly signal: AbortSignal;
}

async function ask(url: URL, options: FeedCall): Promise<Response> {
  const response = await fetch(url, options).catch((error: unknown) => {
    throw options.signal.aborted ? error : new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached");
  });
  const { ok, status, headers } = response;
  if (ok) return response;
  await response.body?.cancel();
  if (status >= 400) throw new BackendRefusal(status, undefined, readRetryAfter(headers));
  throw new Refusal("INVALID_RESPONSE", "The backend answered with a redirect");
}
