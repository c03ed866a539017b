import type { StoredAgent } from "./agent.ts";
import type { Change, CustomerHistory } from "./change-history.ts";
import { parseCursor, toCursorText } from "./cursor.ts";

/** One customer's agents in this process's memory. Reads are synchronous and consistent. */
export interface Replica {
  read(userId: number): StoredAgent | undefined;
  /** True if the agent's record in the store cannot be read. */
  isUnreadable(userId: number): boolean;
  /** Agents whose record in the store cannot be read. */
  unreadable(): Iterable<number>;
  agents(): Iterable<StoredAgent>;
  /** Number of agents. */
  size(): number;
  /** Cursor of the replica's present contents. A subscriber that sends it gets every later change. */
  cursor(): string;
  /**
   * Cursor of the last change to this customer's agents. While the cursor is unchanged, so are the replica's contents.
   * `cursor` moves with every customer's changes.
   */
  lastChangeCursor(): string;
  /**
   * Returns the changes after a cursor, oldest first. `undefined` if the cursor is unknown or too old. Empty if the
   * cursor is ahead of this gateway: another gateway has sent the subscriber later changes. `isAtOrAfter` then finds
   * the changes to skip.
   */
  changesSince(cursor: string): readonly Change[] | undefined;
  /** Registers a listener for changes, in order, and resets. Returns a function to remove the listener. */
  listen(listener: ReplicaListener): () => void;
  /**
   * Time since which the replica may be stale, in milliseconds on the monotonic clock; `undefined` while it is current.
   */
  staleSinceMs(): number | undefined;
}

/** Listener of a replica. Its functions must not throw. */
export interface ReplicaListener {
  onChange(change: Change): void;
  /** Called when all earlier changes are superseded: the listener must read the replica again. */
  onReset(): void;
  /** Called when the replica is current again after it may have been stale. */
  onCurrent?(): void;
}

/** Replica with the functions that keep it current. */
export interface WritableReplica extends Replica {
  /** Returns the highest version that an agent ever had, removed agents included; 0 for an unknown agent. */
  versionOf(userId: number): number;
  /** Returns the removed agents, each with the version of its removal. */
  removed(): Iterable<readonly [userId: number, version: number]>;
  /** Number of removed agents. */
  removedSize(): number;
  /** Applies the change at a position and notifies the listeners. Ignores a change older than the replica. */
  apply(position: number, change: Change): void;
  /**
   * Applies the erasure at a position: forgets removed agents, and drops agents if the scope is all. Only versions up to
   * the erasure's version are erased. Cursors before the position cannot be resumed any more.
   */
  erase(position: number, erasure: AppliedErasure): void;
  /** Returns the highest version of an applied erasure; 0 without any. */
  erasedVersion(): number;
  /** Replaces all contents and notifies the listeners. */
  reset(contents: ReplicaContents): void;
  /** Sets the time since which the replica may be stale; `undefined` marks it as current. */
  setStaleSince(ms: number | undefined): void;
}

/** Erasure as replicas apply it. */
export interface AppliedErasure {
  /** Highest version that is erased. Whatever is created later has a higher version. */
  readonly version: number;
  /** `removed` erases the ids of removed agents, `all` also every agent. */
  readonly scope: "removed" | "all";
}

/** Initial contents of a replica. */
export interface ReplicaContents {
  readonly agents: Iterable<StoredAgent>;
  /** Removed agents, which a late change must not restore. */
  readonly removed: Iterable<readonly [userId: number, version: number]>;
  /** Agents whose record cannot be read. @default none */
  readonly unreadable?: Iterable<number>;
  /** Epoch of the changes. */
  readonly epoch: string;
  /** Returns the latest position known here, changes of other customers included. */
  readonly position: () => number;
  /** Position of the customer's last change, or of the epoch's start before the first change in the epoch. */
  readonly lastChangePosition: number;
  /**
   * Latest changes, already contained in `agents` and `removed`. The replica appends every change that it applies; the
   * owner of the history discards the oldest ones.
   */
  readonly history: CustomerHistory;
}

/** Creates empty contents at the start of an epoch. */
export function emptyContents(epoch: string, position: () => number, history: CustomerHistory): ReplicaContents {
  return { agents: [], removed: [], epoch, position, lastChangePosition: position(), history };
}

/** Returns the highest version among the agents, removed agents included; 0 without any. */
export function highestVersionOf({ agents, removed }: Pick<WritableReplica, "agents" | "removed">): number {
  let highest = 0;
  for (const { version } of agents()) highest = Math.max(highest, version);
  for (const [, version] of removed()) highest = Math.max(highest, version);
  return highest;
}

/** Creates a replica with these contents. */
export function createReplica(contents: ReplicaContents): WritableReplica {
  let { epoch, position, lastChangePosition, history } = contents;
  const agents = new Map<number, StoredAgent>();
  const removed = new Map<number, number>();
  const unreadable = new Set<number>();
  const listeners = new Set<ReplicaListener>();
  let staleSinceMs: number | undefined;
  let erasedVersion = 0;

  function load(next: ReplicaContents): void {
    ({ epoch, position, lastChangePosition, history } = next);
    agents.clear();
    removed.clear();
    unreadable.clear();
    for (const agent of next.agents) agents.set(agent.userId, agent);
    for (const [userId, version] of next.removed) removed.set(userId, version);
    for (const userId of next.unreadable ?? []) unreadable.add(userId);
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
    unreadable: () => unreadable,
    agents: () => agents.values(),
    size: () => agents.size,
    cursor: () => toCursorText({ epoch, position: position() }),
    lastChangeCursor: () => toCursorText({ epoch, position: lastChangePosition }),
    changesSince(text) {
      const cursor = parseCursor(text);
      if (cursor?.epoch !== epoch) return undefined;
      // Without a later change nothing is missing, even if the history no longer goes back to the cursor.
      if (cursor.position >= lastChangePosition) return [];
      return history.since(cursor.position)?.map(({ change }) => change);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    staleSinceMs: () => staleSinceMs,
    versionOf,
    removed: () => removed,
    removedSize: () => removed.size,
    apply(at, change) {
      // Set it for a known change too: another gateway with an earlier position may not have the change yet.
      lastChangePosition = at;
      if (!applyIfNewer(change)) return;
      history.append({ position: at, change });
      for (const listener of listeners) listener.onChange(change);
    },
    erase(at, { version, scope }) {
      lastChangePosition = at;
      erasedVersion = Math.max(erasedVersion, version);
      history.discard(at);
      for (const [userId, removedVersion] of removed) if (removedVersion <= version) removed.delete(userId);
      if (scope !== "all") return;
      unreadable.clear();
      for (const agent of agents.values()) if (agent.version <= version) agents.delete(agent.userId);
      for (const listener of listeners) listener.onReset();
    },
    erasedVersion: () => erasedVersion,
    reset(next) {
      load(next);
      for (const listener of listeners) listener.onReset();
    },
    setStaleSince(ms) {
      const isCurrentAgain = ms === undefined && staleSinceMs !== undefined;
      staleSinceMs = ms;
      if (isCurrentAgain) for (const listener of listeners) listener.onCurrent?.();
    },
  };
}
