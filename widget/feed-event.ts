import * as v from "valibot";
import { ChangedAvailability, Removal } from "../shared/contracts/availability.ts";
import type { FeedEvent } from "./live/feed.ts";

const Changed = v.pipe(v.string(), v.parseJson(), ChangedAvailability);
const Removed = v.pipe(v.string(), v.parseJson(), Removal);

/**
 * Reads the name and the data of an event of the gateway's stream. `undefined` where it is none that this widget knows, such
 * as one of a newer gateway's.
 *
 * @throws where the data is not what the event's name promises: the stream is no stream of the gateway's.
 */
export function readFeedEvent(name: string, data: string): FeedEvent | undefined {
  switch (name) {
    case "availability":
      return { type: "availability", availability: v.parse(Changed, data), ageMs: 0 };
    case "removal":
      return { type: "removal", ...v.parse(Removed, data) };
    case "reset":
      return { type: "reset" };
    case "current":
      return { type: "current" };
    default:
      return undefined;
  }
}
