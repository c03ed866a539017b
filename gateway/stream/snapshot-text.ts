import { toUserId } from "../store/change-history.ts";
import type { Replica } from "../store/replica.ts";
import { toPieces } from "./backpressure.ts";
import { formatAvailability, formatCurrent, formatUnreadable, RESET_TEXT } from "./sse-format.ts";

/** A formatted snapshot. */
export interface SnapshotText {
  readonly pieces: readonly Uint8Array[];
  /** Cursor after which changes continue the snapshot. */
  readonly cursor: string;
}

/** Formats the agents with the given ids, from `reset` to `current`. `nowMs` is the time on the monotonic clock. */
export function formatSnapshot(replica: Replica, userIds: ReadonlySet<number>, nowMs: number): SnapshotText {
  // Agents and cursor belong together: changes while the snapshot is written come after the cursor.
  const cursor = replica.cursor();
  const unreadable = [...userIds].filter(replica.isUnreadable);
  const texts = [RESET_TEXT, ...formatAgents(replica, userIds, nowMs), ...formatEnd(unreadable, cursor)];
  return { cursor, pieces: Array.from(toPieces(texts), (text) => Buffer.from(text)) };
}

function* formatAgents(replica: Replica, userIds: Iterable<number>, nowMs: number): Generator<string> {
  for (const userId of userIds) {
    const agent = replica.read(userId);
    if (agent) yield formatAvailability(agent, nowMs);
  }
}

function* formatEnd(unreadable: Iterable<number>, cursor: string): Generator<string> {
  for (const userId of unreadable) yield formatUnreadable(userId);
  yield formatCurrent(cursor);
}

/**
 * Snapshot of all agents of a replica, shared by all subscribers that need a snapshot within a second. The snapshot is
 * never behind the replica: a subscriber may have later versions already, from an earlier stream or from a read, and
 * removes an agent missing in a snapshot.
 */
export interface SharedSnapshot {
  read(): SnapshotText;
  /** Drops the snapshot, to save memory or because the replica has new contents. */
  clear(): void;
}

/** Time for which the text of an unchanged agent is shared, in milliseconds. Wrap-up times are in whole seconds. */
const SHARED_MS = 1_000;

/** Number of agents in a piece. A change costs the formatting of the agent's piece and of the last piece. */
const AGENTS_PER_PIECE = 400;

/** Shared snapshot with the data for the next refresh. */
interface DividedSnapshot {
  readonly text: SnapshotText;
  /** Ids of the agents in each piece, also of removed agents. The last ids share the last pieces with the end. */
  readonly userIds: readonly (readonly number[])[];
  /** Time of the oldest piece on the monotonic clock, in milliseconds. */
  readonly formattedAtMs: number;
}

/** Creates a shared snapshot, formatted on demand. A change formats only the changed pieces and the last piece. */
export function createSharedSnapshot(replica: Replica, nowMs: () => number): SharedSnapshot {
  let latest: DividedSnapshot | undefined;

  function format(userIds: DividedSnapshot["userIds"], now: number, canKeep: (index: number) => boolean): SnapshotText {
    const cursor = replica.cursor();
    const pieces = userIds.slice(0, -1).map((ids, index) => {
      const kept = canKeep(index) && latest?.text.pieces[index];
      return kept || Buffer.from(toStart(index) + [...formatAgents(replica, ids, now)].join(""));
    });
    const agents = formatAgents(replica, userIds.at(-1) ?? [], now);
    const last = toPieces([toStart(pieces.length), ...agents, ...formatEnd(replica.unreadable(), cursor)]);
    return { cursor, pieces: [...pieces, ...Array.from(last, (text) => Buffer.from(text))] };
  }

  function formatAll(now: number): DividedSnapshot {
    const userIds = divide(Array.from(replica.agents(), ({ userId }) => userId));
    return { text: format(userIds, now, () => false), userIds, formattedAtMs: now };
  }

  /** Formats the pieces with changed agents again. Agents who have come since are part of the last piece. */
  function refresh(old: DividedSnapshot, changed: ReadonlySet<number>, now: number): DividedSnapshot {
    const hasChanged = old.userIds.map((ids) => ids.some((userId) => changed.has(userId)));
    const known = new Set(old.userIds.flat());
    const added = [...changed].filter((userId) => !known.has(userId));
    const userIds = [...old.userIds.slice(0, -1), [...(old.userIds.at(-1) ?? []), ...added]];
    return { ...old, text: format(userIds, now, (index) => !hasChanged[index]), userIds };
  }

  return {
    read() {
      const now = nowMs();
      const isRecent = latest && now - latest.formattedAtMs < SHARED_MS;
      const changes = isRecent && latest ? replica.changesSince(latest.text.cursor) : undefined;
      if (!latest || !changes) latest = formatAll(now);
      else if (changes.length > 0) latest = refresh(latest, new Set(changes.map(toUserId)), now);
      return latest.text;
    },
    clear() {
      latest = undefined;
    },
  };
}

/** Returns the text before the agents of a piece. */
function toStart(index: number): string {
  return index === 0 ? RESET_TEXT : "";
}

/** Divides ids into pieces, at least one. */
function divide(userIds: readonly number[]): number[][] {
  const count = Math.max(1, Math.ceil(userIds.length / AGENTS_PER_PIECE));
  return Array.from({ length: count }, (_, index) =>
    userIds.slice(index * AGENTS_PER_PIECE, (index + 1) * AGENTS_PER_PIECE),
  );
}
