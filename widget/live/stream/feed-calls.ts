/** The calls that users are followed by. */
import type { ChangedAvailability } from "../../../shared/contracts/availability.ts";
import type { GatewayClient } from "../../gateway/gateway-client.ts";
import type { ReadChanged } from "../feed.ts";
import { MalformedAnswer, readMember } from "./failure.ts";

/** All availabilities that the page's token may see, at one moment. */
export interface Overview {
  readonly availabilities: readonly ChangedAvailability[];
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** Where the stream goes on from here. */
  readonly cursor: string;
  /** Names what it says; `undefined` where the backend gave it no name. */
  readonly etag: string | undefined;
}

/** What is asked of the gateway to follow users. */
export interface FeedCalls {
  /**
   * Opens the stream of changes. Resolves with its body when the backend has begun to answer.
   *
   * @param cursor where to resume.
   * @throws {MalformedAnswer} for what is no such stream. @throws as `GatewayClient.follow` does.
   * @throws The signal's reason when it aborts, which ends an open stream as well.
   */
  openStream(signal: AbortSignal, cursor?: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /**
   * All availabilities, or `undefined` where they are still as in the overview with this entity tag.
   *
   * @throws as `openStream` does.
   */
  readOverview(signal: AbortSignal, etag?: string): Promise<Overview | undefined>;
}

export interface FeedCallsOptions extends Pick<GatewayClient, "follow"> {
  readonly readChanged: ReadChanged;
}

/** A list of everybody may take this many bytes. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

/** Creates the calls over the widget's way to the backend. */
export function createFeedCalls({ follow, readChanged }: FeedCallsOptions): FeedCalls {
  return {
    async openStream(signal, cursor) {
      const headers = cursor === undefined ? {} : { "last-event-id": cursor };
      const response = await follow("availabilities/stream", { signal, headers });
      const type = response.headers.get("content-type") ?? "";
      if (response.body && /^text\/event-stream\b/i.test(type)) return response.body;
      await response.body?.cancel();
      throw new MalformedAnswer(new Error("It is no stream of events"));
    },
    async readOverview(signal, etag) {
      const headers = etag === undefined ? {} : { "if-none-match": etag };
      const response = await follow("availabilities", { signal, headers });
      if (response.status === 304) return undefined;
      const text = await readText(response);
      const ageMs = 1_000 * (Number(response.headers.get("age")) || 0);
      return { ...readList(text, readChanged), ageMs, etag: response.headers.get("etag") ?? undefined };
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
    if (size > MAX_LIST_BYTES) {
      await reader?.cancel();
      throw new MalformedAnswer(new Error(`It is larger than ${MAX_LIST_BYTES} bytes`));
    }
    text += decoder.decode(next.value, { stream: true });
  }
  return text + decoder.decode();
}

function readList(text: string, readChanged: ReadChanged): Pick<Overview, "availabilities" | "cursor"> {
  try {
    const list: unknown = JSON.parse(text);
    const [all, times, cursor] = ["availabilities", "updatedAt", "cursor"].map((name) => readMember(list, name));
    if (typeof all !== "object" || all === null || typeof cursor !== "string") throw new Error("It is no list of all");
    const availabilities = Object.entries(all).map(([userId, availability]) =>
      readChanged({ ...Object(availability), updatedAt: readMember(times, userId) }),
    );
    return { availabilities, cursor };
  } catch (error) {
    throw new MalformedAnswer(error);
  }
}
