/** Requests for the stream and for snapshots. */
import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { ParseChange } from "../change-feed.ts";
import { getProperty, MalformedResponseError } from "./live-failure.ts";

/** All availabilities visible to the page's token, at one moment. */
export interface LiveSnapshot {
  readonly availabilities: readonly ChangedAvailability[];
  /** The snapshot's age, in milliseconds. */
  readonly ageMs: number;
  /** The position from which a stream continues after the snapshot. */
  readonly cursor: string;
  /** The entity tag of the response, if sent. */
  readonly etag: string | undefined;
}

/** The gateway's endpoints for live availability. */
export interface LiveApi {
  /**
   * Opens the stream of changes. Resolves with the body once the gateway has sent the response's head.
   *
   * @param cursor the position to resume from.
   * @throws {MalformedResponseError} if the response is no event stream. @throws the errors of `GatewayClient.follow`.
   * @throws The signal's reason when the signal aborts. An abort ends an open stream as well.
   */
  openStream(signal: AbortSignal, cursor?: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /**
   * Fetches all availabilities, or `undefined` if unchanged since the snapshot with this entity tag.
   *
   * @throws the errors of `openStream`.
   */
  fetchSnapshot(signal: AbortSignal, etag?: string): Promise<LiveSnapshot | undefined>;
}

export interface LiveApiOptions extends Pick<GatewayClient, "openLive"> {
  readonly parseChanged: ParseChange;
}

/** Maximum size of a snapshot, in bytes. */
const MAX_SNAPSHOT_BYTES = 4 * 1024 * 1024;

/** Creates the requests on top of the gateway client. */
export function createLiveApi({ openLive, parseChanged }: LiveApiOptions): LiveApi {
  return {
    async openStream(signal, cursor) {
      const headers = cursor === undefined ? {} : { "last-event-id": cursor };
      const response = await openLive("availabilities/stream", { signal, headers });
      const type = response.headers.get("content-type") ?? "";
      if (response.body && /^text\/event-stream\b/i.test(type)) return response.body;
      await response.body?.cancel();
      throw new MalformedResponseError(new Error(`content-type: expected text/event-stream, got "${type}"`));
    },
    async fetchSnapshot(signal, etag) {
      const headers = etag === undefined ? {} : { "if-none-match": etag };
      const response = await openLive("availabilities", { signal, headers });
      if (response.status === 304) return undefined;
      const text = await readText(response);
      const ageMs = 1_000 * (Number(response.headers.get("age")) || 0);
      return { ...parseSnapshot(text, parseChanged), ageMs, etag: response.headers.get("etag") ?? undefined };
    },
  };
}

async function readText({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  let text = "";
  let size = 0;
  for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
    size += next.value.byteLength;
    if (size > MAX_SNAPSHOT_BYTES) {
      await reader?.cancel();
      throw new MalformedResponseError(new Error(`snapshot: expected at most ${MAX_SNAPSHOT_BYTES} bytes`));
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}

function parseSnapshot(text: string, parseChanged: ParseChange): Pick<LiveSnapshot, "availabilities" | "cursor"> {
  try {
    const list: unknown = JSON.parse(text);
    const [all, times, cursor] = ["availabilities", "updatedAt", "cursor"].map((name) => getProperty(list, name));
    if (typeof all !== "object" || all === null || typeof cursor !== "string")
      throw new Error("snapshot: expected availabilities and a cursor");
    const availabilities = Object.entries(all).map(([userId, availability]) =>
      parseChanged({ ...Object(availability), updatedAt: getProperty(times, userId) }),
    );
    return { availabilities, cursor };
  } catch (error) {
    throw new MalformedResponseError(error);
  }
}
