import type { Removal } from "../../shared/contracts/availability.ts";
import { type StoredAgent, toChangedAvailability } from "../store/agent.ts";
import type { Change } from "../store/change-log.ts";

/** One availability, without a cursor: a reader who has only a part of the whole has nothing to resume from. */
export function formatAvailability(agent: StoredAgent, nowMs: number): string {
  return formatEvent("availability", toChangedAvailability(agent, nowMs));
}

/** A change with its cursor. A reader who names it is told of everything after it. */
export function formatChange(change: Change, nowMs: number): string {
  if ("agent" in change) return formatEvent("availability", toChangedAvailability(change.agent, nowMs), change.cursor);
  const removal: Removal = { userId: change.removedUserId, version: change.version };
  return formatEvent("removal", removal, change.cursor);
}

/** The end of a snapshot: from here on the reader holds everything, up to this cursor. */
export function formatCurrent(cursor: string): string {
  return formatEvent("current", {}, cursor);
}

/**
 * What was told before is void. A snapshot follows. The empty id makes the reader forget the cursor that it had: should
 * the connection break before the snapshot's end, another gateway may still know that cursor and tell only what came after it.
 */
export const RESET_TEXT = formatEvent("reset", {}, "");

/** A comment, which keeps the connection from looking idle. */
export const HEARTBEAT_TEXT = ":\n\n";

/** How long a reader is to wait before it comes back, in milliseconds. */
export function formatRetry(milliseconds: number): string {
  return `retry: ${Math.round(milliseconds)}\n\n`;
}

/** JSON has no line breaks of its own, so that one line of data holds all of it. Without an id the reader keeps the one it had. */
function formatEvent(event: string, data: object, id?: string): string {
  const idLine = id === undefined ? "" : `${`id: ${id}`.trimEnd()}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
