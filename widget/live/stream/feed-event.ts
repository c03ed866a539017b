import type { ReadChanged } from "../feed.ts";
import type { ReadFeedEvent } from "./event-stream.ts";
import { readMember } from "./failure.ts";

/**
 * Creates what reads the name and the data of an event of the gateway's stream. It returns `undefined` where it is none that
 * this widget knows, such as one of a newer gateway's, and throws where the data is not what the event's name promises: the
 * stream is no stream of the gateway's.
 */
export function createFeedEventReader(readChanged: ReadChanged): ReadFeedEvent {
  return (name, data) => {
    switch (name) {
      case "availability":
        return { type: "availability", availability: readChanged(JSON.parse(data)), ageMs: 0 };
      case "removal": {
        const removal: unknown = JSON.parse(data);
        return { type: "removal", userId: readNumber(removal, "userId"), version: readNumber(removal, "version") };
      }
      case "reset":
        return { type: "reset" };
      case "current":
        return { type: "current" };
      default:
        return undefined;
    }
  };
}

function readNumber(value: unknown, name: string): number {
  const member = readMember(value, name);
  if (typeof member === "number" && Number.isSafeInteger(member) && member >= 0) return member;
  throw new Error(`${name}: expected a whole number`);
}
