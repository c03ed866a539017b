import type { RemovedUser } from "../../shared/contracts/availability.ts";
import { type StoredAgent, toChangedAvailability } from "../store/agent.ts";
import type { Change } from "../store/change-history.ts";

/** Formats an availability of a snapshot, without a cursor: a client cannot resume from part of a snapshot. */
export function formatAvailability(agent: StoredAgent, nowMs: number): string {
  return formatEvent("availability", toChangedAvailability(agent, nowMs));
}

/** Formats, for a snapshot, that an agent exists whose availability cannot be read. A client that knows no such event ignores it. */
export function formatUnreadable(userId: number): string {
  return formatEvent("unreadable", { userId });
}

/** Formats a change with its cursor. A client that sends the cursor gets every later change. */
export function formatChange(change: Change, nowMs: number): string {
  if ("agent" in change) return formatEvent("availability", toChangedAvailability(change.agent, nowMs), change.cursor);
  const removal: RemovedUser = { userId: change.removedUserId, version: change.version };
  return formatEvent("removal", removal, change.cursor);
}

/** Formats the end of a snapshot: the client now has everything up to the cursor. */
export function formatCurrent(cursor: string): string {
  return formatEvent("current", {}, cursor);
}

/**
 * Supersedes earlier events; a snapshot follows. The empty id clears the client's cursor: if the connection breaks
 * before the end of the snapshot, another gateway could still know the old cursor and send only later changes.
 */
export const RESET_TEXT = formatEvent("reset", {}, "");

/**
 * First text of each stream. Proxies over HTTP/2 forward the head of a response with the first bytes of its body. Unlike
 * `HEARTBEAT_TEXT` this comment does not say that the client has every change.
 */
export const OPENING_TEXT = ": open\n\n";

/** Empty SSE comment, which keeps the connection from looking idle. */
export const HEARTBEAT_TEXT = ":\n\n";

/** Formats the delay before the client reconnects, in milliseconds. */
export function formatRetry(milliseconds: number): string {
  return `retry: ${Math.round(milliseconds)}\n\n`;
}

/**
 * Formats an event. JSON contains no line breaks, so one data line suffices. Without an id the client keeps the old id.
 */
function formatEvent(event: string, data: object, id?: string): string {
  const idLine = id === undefined ? "" : `${`id: ${id}`.trimEnd()}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}
