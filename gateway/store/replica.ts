import type { StoredAgent } from "./agent.ts";
import { type Change, createChangeLog, type Positioned } from "./change-log.ts";
import { parseCursor, toCursorText } from "./cursor.ts";

/** All that is known of one customer's agents, in this process's memory. It is read at once, and in one piece. */
export interface Replica {
  read(userId: number): StoredAgent | undefined;
  /** Whether the store holds something of an agent that cannot be read. */
  isUnreadable(userId: number): boolean;
  agents(): Iterable<StoredAgent>;
  /** How many agents there are. */
  size(): number;
  /** Stands for what the replica holds now. A reader who names it is told of everything after it. */
  cursor(): string;
  /**
   * The cursor of the last change to one of this customer's agents. While it is the same, so is what the replica holds;
   * `cursor` goes on with every change to anybody.
   */
  lastChangeCursor(): string;
  /**
   * The changes after a cursor, oldest first; `undefined` where the cursor is unknown here or too old. There are none where
   * another gateway has told the reader more than is known here yet: `covers` tells which of those that follow it has heard.
   */
  changesSince(cursor: string): readonly Change[] | undefined;
  /** Hears each change in order, and each reset. */
  listen(listener: ReplicaListener): () => void;
  /** Since when it may lag behind, in milliseconds on the monotonic clock; `undefined` while it is kept current. */
  staleSinceMs(): number | undefined;
}

/** Who follows a replica. Must not throw. */
export interface ReplicaListener {
  onChange(change: Change): void;
  /** Everything that was told before is void: the replica has to be read anew. */
  onReset(): void;
}

/** A replica, and what keeps it current. */
export interface WritableReplica extends Replica {
  /** The highest version that an agent ever had, removed ones included; 0 where nothing is known of it. */
  versionOf(userId: number): number;
  /** The agents that were removed, each with the version that its removal has. */
  removed(): Iterable<readonly [userId: number, version: number]>;
  /** Takes over the change at this position, and tells the listeners; not where it is older than what is known. */
  apply(position: number, change: Change): void;
  /** Replaces everything, and tells the listeners to begin anew. */
  reset(contents: ReplicaContents): void;
  /** Says since when it may lag behind, or that it no longer does. */
  setStaleSince(ms: number | undefined): void;
}

/** What a replica begins with. */
export interface ReplicaContents {
  readonly agents: Iterable<StoredAgent>;
  /** What arrives late must not bring these back. */
  readonly removed: Iterable<readonly [userId: number, version: number]>;
  /** Of whom the store holds something that cannot be read. @default nobody */
  readonly unreadable?: Iterable<number>;
  /** Names the order of the changes. */
  readonly epoch: string;
  /** How far that order is known here, be it of changes to others than this customer's agents. */
  readonly position: () => number;
  /** The position that `history` begins after. */
  readonly historyStart: number;
  /** The last changes, whose outcome `agents` and `removed` are. */
  readonly history: Iterable<PositionedChange>;
}

/** Nothing, at the beginning of an order of changes. */
export function emptyContents(epoch: string, position: () => number): ReplicaContents {
  return { agents: [], removed: [], epoch, position, historyStart: position(), history: [] };
}

/** A change, and its place in the order of all. */
export interface PositionedChange extends Positioned {
  readonly change: Change;
}

/** A replica that holds this, and remembers this many changes. */
export function createReplica(contents: ReplicaContents, historyLength: number): WritableReplica {
  let { epoch, position } = contents;
  let lastChangePosition = 0;
  const agents = new Map<number, StoredAgent>();
  const removed = new Map<number, number>();
  const unreadable = new Set<number>();
  const log = createChangeLog<PositionedChange>(0, historyLength);
  const listeners = new Set<ReplicaListener>();
  let staleSinceMs: number | undefined;

  function load(next: ReplicaContents): void {
    ({ epoch, position } = next);
    agents.clear();
    removed.clear();
    unreadable.clear();
    for (const agent of next.agents) agents.set(agent.userId, agent);
    for (const [userId, version] of next.removed) removed.set(userId, version);
    for (const userId of next.unreadable ?? []) unreadable.add(userId);
    log.reset(next.historyStart);
    lastChangePosition = position();
    for (const entry of next.history) {
      log.append(entry);
      lastChangePosition = entry.position;
    }
  }

  const versionOf = (userId: number) => agents.get(userId)?.version ?? removed.get(userId) ?? 0;

  function applyIfNewer(change: Change): boolean {
    if ("agent" in change) {
      if (change.agent.version <= versionOf(change.agent.userId)) return false;
      agents.set(change.agent.userId, change.agent);
      removed.delete(change.agent.userId);
      unreadable.delete(change.agent.userId);
    } else {
      if (change.version <= versionOf(change.removedUserId)) return false;
      agents.delete(change.removedUserId);
      removed.set(change.removedUserId, change.version);
      unreadable.delete(change.removedUserId);
    }
    return true;
  }

  load(contents);
  return {
    read: (userId) => agents.get(userId),
    isUnreadable: (userId) => unreadable.has(userId),
    agents: () => agents.values(),
    size: () => agents.size,
    cursor: () => toCursorText({ epoch, position: position() }),
    lastChangeCursor: () => toCursorText({ epoch, position: lastChangePosition }),
    changesSince(text) {
      const cursor = parseCursor(text);
      return cursor?.epoch === epoch ? log.since(cursor.position)?.map(({ change }) => change) : undefined;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    staleSinceMs: () => staleSinceMs,
    versionOf,
    removed: () => removed,
    apply(at, change) {
      // Also where it is known already: another gateway that stands at an earlier change may not know it.
      lastChangePosition = at;
      if (!applyIfNewer(change)) return;
      log.append({ position: at, change });
      for (const listener of listeners) listener.onChange(change);
    },
    reset(next) {
      load(next);
      for (const listener of listeners) listener.onReset();
    },
    setStaleSince(ms) {
      staleSinceMs = ms;
    },
  };
}
