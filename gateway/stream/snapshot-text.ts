import { createSharedWork } from "../shared-work.ts";
import type { StoredAgent } from "../store/agent.ts";
import { type Change, toUserId } from "../store/change-history.ts";
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
 * Snapshot of all agents of a replica, shared by all subscribers that need one. The snapshot is never behind the replica at
 * the time of the call: a subscriber may have later versions already, from an earlier stream or from a read, and removes an
 * agent missing in a snapshot.
 */
export interface SharedSnapshot {
  /**
   * Returns the snapshot: at once if little has to be formatted, otherwise in turns of the event loop. `onFormatted` is
   * called with the number of agents that were formatted for this call.
   */
  read(onFormatted: (agents: number) => void): SnapshotText | Promise<SnapshotText>;
  /** Drops the snapshot, because the replica has new contents. */
  clear(): void;
  /** Drops the snapshot, to save memory, unless it was read since the last call. */
  clearUnread(): void;
}

/**
 * Time for which the text of an agent with a running wrap-up time is shared, in milliseconds. Wrap-up times are in whole
 * seconds.
 */
const SHARED_MS = 1_000;

/** Number of agents in a piece. A change costs the formatting of the agent's piece and of the last piece. */
const AGENTS_PER_PIECE = 400;

/** Number of pieces that are formatted at once, in about two milliseconds. */
const PIECES_AT_ONCE = 2;

/** Part of a snapshot. */
interface Piece {
  /** Ids of the agents in the piece, also of removed agents. */
  readonly userIds: readonly number[];
  /** `undefined` if the piece must be formatted. */
  readonly bytes: Uint8Array | undefined;
  /** Time at which a wrap-up time of the piece is no longer right, on the monotonic clock. */
  readonly expiresAtMs: number;
}

/** Shared snapshot with the data for the next one. */
interface DividedSnapshot {
  readonly text: SnapshotText;
  /** The last piece also has the end of the snapshot. */
  readonly pieces: readonly Piece[];
}

export interface SharedSnapshotOptions {
  readonly replica: Replica;
  /** Returns the time on the monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
  /** Resolves in a turn of the event loop for one piece. */
  readonly takeTurn: () => Promise<void>;
}

/** Creates a shared snapshot, formatted on demand. A change formats only the changed pieces and the last piece. */
export function createSharedSnapshot({ replica, nowMs, takeTurn }: SharedSnapshotOptions): SharedSnapshot {
  const share = createSharedWork<SnapshotText>();
  let latest: DividedSnapshot | undefined;
  let wasRead = false;

  /** Divides the present agents into pieces, of which those of the latest snapshot have bytes that are still right. */
  function divide(): readonly Piece[] {
    const changes = latest && replica.changesSince(latest.text.cursor);
    const isLong = (latest?.pieces.at(-1)?.userIds.length ?? 0) > 2 * AGENTS_PER_PIECE;
    return latest && changes && !isLong ? renew(latest.pieces, changes) : divideAgents(replica.agents());
  }

  /** Drops the bytes of pieces with changed agents or wrap-up times. Agents who have come since join the last piece. */
  function renew(pieces: readonly Piece[], changes: readonly Change[]): readonly Piece[] {
    const now = nowMs();
    const current = pieces.map((piece) => (piece.expiresAtMs <= now ? toEmpty(piece.userIds) : piece));
    if (changes.length === 0) return current;
    const changed = new Set(changes.map(toUserId));
    const renewed = current.map((piece) =>
      piece.userIds.some((userId) => changed.has(userId)) ? toEmpty(piece.userIds) : piece,
    );
    const known = new Set(pieces.flatMap(({ userIds }) => userIds));
    const added = [...changed].filter((userId) => !known.has(userId));
    return [...renewed.slice(0, -1), toEmpty([...(pieces.at(-1)?.userIds ?? []), ...added])];
  }

  /** Formats the pieces without bytes, of agents as they are at the call, each in a turn of its own if there are many. */
  function format(
    divided: readonly Piece[],
    onFormatted: (agents: number) => void,
  ): SnapshotText | Promise<SnapshotText> {
    const now = nowMs();
    // Without a change the end of the latest snapshot stays, with its cursor.
    const cursor = (divided.at(-1)?.bytes && latest?.text.cursor) || replica.cursor();
    const unreadable = [...replica.unreadable()];
    const jobs = divided.map((piece, index) => ({
      piece,
      index,
      agents: piece.bytes ? [] : readAll(replica, piece.userIds),
    }));
    const work = jobs.filter(({ piece }) => !piece.bytes);
    onFormatted(work.reduce((sum, { agents }) => sum + agents.length, 0));

    function formatPiece({ piece, index, agents }: (typeof jobs)[number]): Piece {
      if (piece.bytes) return piece;
      const isLast = index === jobs.length - 1;
      const texts = agents.map((agent) => formatAvailability(agent, now));
      const end = isLast ? [...formatEnd(unreadable, cursor)] : [];
      const isRunning = agents.some((agent) => isWrapUpRunning(agent, now));
      return {
        userIds: piece.userIds,
        bytes: Buffer.from([toStart(index), ...texts, ...end].join("")),
        expiresAtMs: isRunning ? now + SHARED_MS : Infinity,
      };
    }

    function keep(pieces: readonly Piece[]): SnapshotText {
      const text = { cursor, pieces: pieces.flatMap(({ bytes }) => bytes ?? []) };
      latest = { text, pieces };
      return text;
    }

    async function formatInTurns(): Promise<SnapshotText> {
      const pieces: Piece[] = [];
      for (const job of jobs) {
        if (!job.piece.bytes) await takeTurn();
        pieces.push(formatPiece(job));
      }
      return keep(pieces);
    }

    return work.length <= PIECES_AT_ONCE ? keep(jobs.map(formatPiece)) : formatInTurns();
  }

  function readDivided(pieces: readonly Piece[], onFormatted: (agents: number) => void) {
    return latest && pieces.every(({ bytes }) => bytes) ? latest.text : format(pieces, onFormatted);
  }

  return {
    read(onFormatted) {
      wasRead = true;
      const isNew = !latest && replica.size() > PIECES_AT_ONCE * AGENTS_PER_PIECE;
      const pieces = isNew ? [] : divide();
      const isMuch = isNew || pieces.filter(({ bytes }) => !bytes).length > PIECES_AT_ONCE;
      return isMuch ? share(async () => readDivided(divide(), onFormatted)) : readDivided(pieces, onFormatted);
    },
    clear() {
      latest = undefined;
    },
    clearUnread() {
      if (!wasRead) latest = undefined;
      wasRead = false;
    },
  };
}

function readAll(replica: Replica, userIds: readonly number[]): readonly StoredAgent[] {
  return userIds.flatMap((userId) => replica.read(userId) ?? []);
}

function isWrapUpRunning({ wrapUp }: StoredAgent, nowMs: number): boolean {
  return wrapUp !== undefined && wrapUp.endsAtMs > nowMs;
}

function toEmpty(userIds: readonly number[]): Piece {
  return { userIds, bytes: undefined, expiresAtMs: Infinity };
}

/** Returns the text before the agents of a piece. */
function toStart(index: number): string {
  return index === 0 ? RESET_TEXT : "";
}

/** Divides agents into pieces without bytes, at least one. */
function divideAgents(agents: Iterable<StoredAgent>): readonly Piece[] {
  const userIds = Array.from(agents, ({ userId }) => userId);
  const count = Math.max(1, Math.ceil(userIds.length / AGENTS_PER_PIECE));
  return Array.from({ length: count }, (_, index) =>
    toEmpty(userIds.slice(index * AGENTS_PER_PIECE, (index + 1) * AGENTS_PER_PIECE)),
  );
}
