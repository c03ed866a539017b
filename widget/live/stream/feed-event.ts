import type { ParseChange } from "../change-feed.ts";
import type { ParseFeedEvent } from "./event-stream.ts";
import { getProperty } from "./live-failure.ts";

/**
 * Creates a parser for the events of the gateway's stream. The parser returns `undefined` for an unknown event, for
 * example from a newer gateway. The parser throws if the data does not match the event's name: the stream is no
 * gateway's.
 */
export function createFeedEventParser(parseChanged: ParseChange): ParseFeedEvent {
  return (name, data) => {
    switch (name) {
      case "availability":
        return { type: "availability", availability: parseChanged(JSON.parse(data)), ageMs: 0 };
      case "removal": {
        const removal: unknown = JSON.parse(data);
        return { type: "removal", userId: parseNumber(removal, "userId"), version: parseNumber(removal, "version") };
      }
      case "unreadable":
        return { type: "unreadable", userId: parseNumber(JSON.parse(data), "userId") };
      case "reset":
        return { type: "reset" };
      case "current":
        return { type: "current" };
      default:
        return undefined;
    }
  };
}

function parseNumber(value: unknown, name: string): number {
  const member = getProperty(value, name);
  if (typeof member === "number" && Number.isSafeInteger(member) && member >= 0) return member;
  throw new Error(`${name}: expected a whole number`);
}
