/** Encodes and decodes messages between tabs. A message may come from another release, so decoding validates. */

import type { FeedEvent } from "../change-feed.ts";
import type { ParseFeedEvent } from "../stream/event-stream.ts";
import type { LeaderMessage, TabMessage } from "./tab-message.ts";

/** An event in the format of the gateway's stream, so that one parser reads both. */
interface EncodedEvent {
  readonly name: string;
  readonly data: string;
  readonly ageMs: number;
  readonly cursor: string | undefined;
}

/** Encodes a message for posting. */
export function encodeMessage(message: TabMessage): unknown {
  return "events" in message ? { ...message, events: message.events.map(encodeEvent) } : message;
}

function encodeEvent({ type, cursor, ...event }: FeedEvent): EncodedEvent {
  const data = JSON.stringify("availability" in event ? event.availability : event);
  return { name: type, data, ageMs: "ageMs" in event ? event.ageMs : 0, cursor };
}

/**
 * Decodes a message. Returns `undefined` for an unknown message. A leader's message with unknown events becomes a
 * `lead` message: the term and the count of messages stay valid.
 */
export function decodeMessage(data: unknown, parseEvent: ParseFeedEvent): TabMessage | undefined {
  if (!isRecord(data)) return undefined;
  const { type, from, since } = data;
  if (typeof from !== "string") return undefined;
  switch (type) {
    case "hello":
    case "ping":
    case "bye":
      return { type, from };
    case "claim":
      return typeof since === "number" ? { type, from, since } : undefined;
    case "lead":
    case "news":
    case "snapshot": {
      const leaderMessage = decodeLeaderMessage(type, data, parseEvent);
      return leaderMessage && { ...leaderMessage, from };
    }
    default:
      return undefined;
  }
}

function decodeLeaderMessage(
  type: LeaderMessage["type"],
  data: Readonly<Record<string, unknown>>,
  parseEvent: ParseFeedEvent,
): LeaderMessage | undefined {
  const { term, told, slot, cursor, sentAt, events } = data;
  if (typeof term !== "number" || typeof told !== "number") return undefined;
  const leadership = { term, told, slot: typeof slot === "number" ? slot : undefined };
  if (type === "lead") return { type, ...leadership, cursor: typeof cursor === "string" ? cursor : undefined };
  if (typeof sentAt !== "number" || !Array.isArray(events)) return undefined;
  const read = events.map((event: unknown) => decodeEvent(event, parseEvent));
  if (read.every((event) => event !== undefined)) return { type, ...leadership, sentAt, events: read };
  // A leader of a newer release may send unknown events. The leadership still counts.
  return { type: "lead", ...leadership, cursor: undefined };
}

function decodeEvent(event: unknown, parseEvent: ParseFeedEvent): FeedEvent | undefined {
  if (!isRecord(event)) return undefined;
  const { name, data, ageMs, cursor } = event;
  if (typeof name !== "string" || typeof data !== "string" || typeof ageMs !== "number") return undefined;
  // The gateway's stream has neither of these: a tab adds them.
  if (name === "stale") return { type: name };
  if (name === "heartbeat") return { type: name, ageMs };
  const read = parseKnown(name, data, parseEvent);
  const aged = read?.type === "availability" ? { ...read, ageMs } : read;
  return aged && typeof cursor === "string" ? { ...aged, cursor } : aged;
}

/** Parses an event. Returns `undefined` for a name or a value unknown to this release. */
function parseKnown(name: string, data: string, parseEvent: ParseFeedEvent): FeedEvent | undefined {
  try {
    return parseEvent(name, data);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
