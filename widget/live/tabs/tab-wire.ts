/** Messages between tabs as they go over a channel. What comes may be of another release, and is checked. */

import type { FeedEvent } from "../feed.ts";
import type { ReadFeedEvent } from "../stream/event-stream.ts";
import type { LeaderNews, TabMessage } from "./tab-message.ts";

/** An event as the gateway's stream has it, so that what reads the one reads the other. */
interface WiredEvent {
  readonly name: string;
  readonly data: string;
  readonly ageMs: number;
  readonly cursor: string | undefined;
}

/** What is posted for a message. */
export function toWire(message: TabMessage): unknown {
  return "events" in message ? { ...message, events: message.events.map(wire) } : message;
}

function wire({ type, cursor, ...told }: FeedEvent): WiredEvent {
  const isAvailability = "availability" in told;
  const data = JSON.stringify(isAvailability ? told.availability : told);
  return { name: type, data, ageMs: isAvailability ? told.ageMs : 0, cursor };
}

/**
 * Reads what was posted; `undefined` for what is no message that this release knows. Of a leader's message that tells what
 * this release does not know, it is read that it leads, and how much it has told.
 */
export function fromWire(data: unknown, readEvent: ReadFeedEvent): TabMessage | undefined {
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
      const news = readLeaderNews(type, data, readEvent);
      return news && { ...news, from };
    }
    default:
      return undefined;
  }
}

function readLeaderNews(
  type: LeaderNews["type"],
  data: Readonly<Record<string, unknown>>,
  readEvent: ReadFeedEvent,
): LeaderNews | undefined {
  const { term, told, slot, cursor, sentAt, events } = data;
  if (typeof term !== "number" || typeof told !== "number") return undefined;
  const leadership = { term, told, slot: typeof slot === "number" ? slot : undefined };
  if (type === "lead") return { type, ...leadership, cursor: typeof cursor === "string" ? cursor : undefined };
  if (typeof sentAt !== "number" || !Array.isArray(events)) return undefined;
  const read = events.map((event: unknown) => unwire(event, readEvent));
  if (read.every((event) => event !== undefined)) return { type, ...leadership, sentAt, events: read };
  // Of what a leader of a newer release tells, a part may be unknown here. That it leads is said all the same.
  return { type: "lead", ...leadership, cursor: undefined };
}

function unwire(event: unknown, readEvent: ReadFeedEvent): FeedEvent | undefined {
  if (!isRecord(event)) return undefined;
  const { name, data, ageMs, cursor } = event;
  if (typeof name !== "string" || typeof data !== "string" || typeof ageMs !== "number") return undefined;
  const read = readKnown(name, data, readEvent);
  const aged = read?.type === "availability" ? { ...read, ageMs } : read;
  return aged && typeof cursor === "string" ? { ...aged, cursor } : aged;
}

/** Reads an event; `undefined` for what this release does not know, be it the event's name or a word in it. */
function readKnown(name: string, data: string, readEvent: ReadFeedEvent): FeedEvent | undefined {
  try {
    return readEvent(name, data);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
