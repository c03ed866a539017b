/** Requests for the stream and for snapshots. */
import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { ParseChange } from "../change-feed.ts";
import { getProperty, MalformedResponseError } from "./live-failure.ts";

/** The availabilities of some users, or of all visible to the page's token, at one moment. */
export interface LiveSnapshot {
  readonly availabilities: readonly ChangedAvailability[];
  /** Users that the gateway has and cannot read at present. @default none */
  readonly unreadable?: readonly number[];
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
   * @param userIds the users to follow, at most `MAX_STREAMED_USERS`; `undefined` for all. A gateway of an older release
   * sends all in any case.
   * @throws {MalformedResponseError} if the response is no event stream. @throws the errors of `GatewayClient.follow`.
   * @throws The signal's reason when the signal aborts. An abort ends an open stream as well.
   */
  openStream(
    signal: AbortSignal,
    cursor?: string,
    userIds?: ReadonlySet<number>,
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /**
   * Fetches the availabilities of some users, as in `openStream`, or `undefined` if unchanged since the snapshot with
   * this entity tag.
   *
   * @throws the errors of `openStream`.
   */
  fetchSnapshot(signal: AbortSignal, etag?: string, userIds?: ReadonlySet<number>): Promise<LiveSnapshot | undefined>;
}

export interface LiveApiOptions extends Pick<GatewayClient, "openLive"> {
  readonly parseChanged: ParseChange;
}

/** Creates the requests on top of the gateway client. */
export function createLiveApi({ openLive, parseChanged }: LiveApiOptions): LiveApi {
  return {
    async openStream(signal, cursor, userIds) {
      const headers = cursor === undefined ? {} : { "last-event-id": cursor };
      const response = await openLive("stream", { signal, headers, query: toQuery(userIds) });
      const type = response.headers.get("content-type") ?? "";
      if (response.body && /^text\/event-stream\b/i.test(type)) return response.body;
      await response.body?.cancel();
      throw new MalformedResponseError(new Error(`content-type: expected text/event-stream, got "${type}"`));
    },
    async fetchSnapshot(signal, etag, userIds) {
      const headers = etag === undefined ? {} : { "if-none-match": etag };
      const response = await openLive("list", { signal, headers, query: toQuery(userIds) });
      if (response.status === 304) return undefined;
      const text = await response.text();
      const ageMs = 1_000 * (Number(response.headers.get("age")) || 0);
      return { ...parseSnapshot(text, parseChanged), ageMs, etag: response.headers.get("etag") ?? undefined };
    },
  };
}

function toQuery(userIds: ReadonlySet<number> | undefined): string {
  return userIds ? `?userIds=${[...userIds].join()}` : "";
}

function parseSnapshot(
  text: string,
  parseChanged: ParseChange,
): Pick<LiveSnapshot, "availabilities" | "unreadable" | "cursor"> {
  try {
    const list: unknown = JSON.parse(text);
    const [all, times, cursor] = ["availabilities", "updatedAt", "cursor"].map((name) => getProperty(list, name));
    if (typeof all !== "object" || all === null || typeof cursor !== "string")
      throw new Error("snapshot: expected availabilities and a cursor");
    const availabilities = Object.entries(all).map(([userId, availability]) =>
      parseChanged({ ...Object(availability), updatedAt: getProperty(times, userId) }),
    );
    const errors = Object.entries(Object(getProperty(list, "errors")));
    // 404: there is no such user.
    const unreadable = errors
      .filter(([, error]) => getProperty(error, "status") !== 404)
      .map(([userId]) => Number(userId));
    return { availabilities, unreadable, cursor };
  } catch (error) {
    throw new MalformedResponseError(error);
  }
}
