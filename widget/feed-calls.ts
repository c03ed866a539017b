/** The calls that the live part of the widget follows users by. */
import * as v from "valibot";
import { Availability, ChangedAvailability } from "../shared/contracts/availability.ts";
import { BackendRefusal, Refusal } from "../shared/rejection.ts";
import type { Overview } from "./gateway-client.ts";
import { readBody, readRetryAfter } from "./whole-response.ts";

/** A list of everybody may take this many bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** A refusal that says after how long to ask again, where the backend told. */
class PacedRefusal extends BackendRefusal {
  readonly retryAfterSeconds: number | undefined;

  constructor({ status, headers }: Response) {
    super(status, undefined);
    this.retryAfterSeconds = readRetryAfter(headers);
  }
}

/**
 * Opens a stream of server-sent events.
 *
 * @throws {BackendRefusal} with `retryAfterSeconds` where the backend told that, and without a body, which nobody reads.
 * @throws {Refusal} `BACKEND_UNREACHABLE`, or `INVALID_RESPONSE` for what is no such stream.
 * @throws The signal's reason when it aborts.
 */
export async function openEventStream(url: URL, options: FeedCall): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const response = await ask(url, options);
  const type = response.headers.get("content-type") ?? "";
  if (response.body && /^text\/event-stream\b/i.test(type)) return response.body;
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

const OverviewText = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    availabilities: v.record(v.string(), Availability),
    updatedAt: v.record(v.string(), v.number()),
    cursor: v.string(),
  }),
  v.transform(({ availabilities, updatedAt, cursor }) => ({
    cursor,
    availabilities: Object.values(availabilities).map((availability) => {
      return { ...availability, updatedAt: updatedAt[availability.userId] };
    }),
  })),
  v.object({ cursor: v.string(), availabilities: v.array(ChangedAvailability) }),
);

/**
 * All availabilities, unless they are as the entity tag says.
 *
 * @throws as `openEventStream` does.
 */
export async function fetchOverview(url: URL, options: FeedCall): Promise<Overview | undefined> {
  const response = await ask(url, options);
  if (response.status === 304) return undefined;
  const text = new TextDecoder().decode((await readBody(response, MAX_LIST_BYTES)) ?? undefined);
  const etag = response.headers.get("etag") ?? undefined;
  const read = v.safeParse(OverviewText, text);
  if (!read.success) throw new Refusal("INVALID_RESPONSE", "The backend's answer is no list of everybody");
  return { ...read.output, etag };
}

/** What a call says to the browser. */
export interface FeedCall extends Omit<RequestInit, "signal"> {
  readonly signal: AbortSignal;
}

async function ask(url: URL, options: FeedCall): Promise<Response> {
  const response = await fetch(url, options).catch((error: unknown) => {
    throw options.signal.aborted ? error : new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached");
  });
  if (response.ok || response.status === 304) return response;
  await response.body?.cancel();
  if (response.type === "opaqueredirect" || response.status < 400) {
    throw new Refusal("INVALID_RESPONSE", "The backend answered with a redirect");
  }
  throw new PacedRefusal(response);
}
