import type { Availability } from "../../shared/contracts/availability.ts";
import { type KeptAgent, toAvailability } from "../store/agent.ts";
import type { Change } from "../store/change-log.ts";

/** What the stream says of a user: the availability, and when it last changed, in milliseconds since 1970. */
export type StreamedAvailability = Availability & { readonly updatedAt: number };

/** One availability, without a cursor: a reader who has only a part of the whole has nothing to resume from. */
export function toAvailabilityText(agent: KeptAgent, nowMs: number): string {
  return eventText("availability", toStreamed(agent, nowMs));
}

/** A change with its cursor. A reader who names it is told of everything after it. */
export function toChangeText(change: Change, nowMs: number): string {
  if ("agent" in change) return eventText("availability", toStreamed(change.agent, nowMs), change.cursor);
  return eventText("removal", { userId: change.removedUserId, version: change.version }, change.cursor);
}

/** The end of a snapshot: from here on the reader holds everything, up to this cursor. */
export function toCurrentText(cursor: string): string {
  return eventText("current", {}, cursor);
}

/** What was told before is void. A snapshot follows. */
export const RESET_TEXT = eventText("reset", {});

/** A comment, which keeps the connection from looking idle. */
export const HEARTBEAT_TEXT = ":\n\n";

/** How long a reader is to wait before it comes back, in milliseconds. */
export function toRetryText(milliseconds: number): string {
  return `retry: ${Math.round(milliseconds)}\n\n`;
}

function toStreamed(agent: KeptAgent, nowMs: number): StreamedAvailability {
  return { ...toAvailability(agent, nowMs), updatedAt: agent.updatedAt };
}

/** JSON has no line breaks of its own, so that one line of data holds all of it. */
function eventText(event: string, data: object, id?: string): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}
