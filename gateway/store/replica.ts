import type { KeptAgent } from "./agent.ts";
import { type Change, createChangeLog } from "./change-log.ts";

/** All that is known of one customer's agents, in this process's memory. It is read at once, and in one piece. */
export interface Replica {
  read(userId: number): KeptAgent | undefined;
  agents(): Iterable<KeptAgent>;
  /** How many agents there are. */
  size(): number;
  /** Stands for what the replica holds now. A reader who names it is told of everything after it. */
  cursor(): string;
  /** The changes after a cursor, oldest first; `undefined` where the cursor is unknown here or too old. */
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
  /** Takes a change over, and tells the listeners; not where it is older than what is known. */
  apply(change: Change): void;
  /** Replaces everything, and tells the listeners to begin anew. */
  reset(agents: Iterable<KeptAgent>, cursor: string): void;
  /** Says since when it may lag behind, or that it no longer does. */
  setStaleSince(ms: number | undefined): void;
}

/** How many changes a reader may miss and still be told each of them, where nothing else is said. */
export const HISTORY_LENGTH = 10_000;

/** A replica that holds these agents and stands at this cursor. */
export function createReplica(
  known: Iterable<KeptAgent>,
  cursor: string,
  historyLength: number = HISTORY_LENGTH,
): WritableReplica {
  const agents = toMap(known);
  /** The versions of agents that were removed: what arrives late must not bring them back. */
  const removed = new Map<number, number>();
  const log = createChangeLog(cursor, historyLength);
  const listeners = new Set<ReplicaListener>();
  let staleSinceMs: number | undefined;

  function isNews(userId: number, version: number): boolean {
    return version > (agents.get(userId)?.version ?? removed.get(userId) ?? -1);
  }

  function keep(change: Change): boolean {
    if ("agent" in change) {
      if (!isNews(change.agent.userId, change.agent.version)) return false;
      agents.set(change.agent.userId, change.agent);
      removed.delete(change.agent.userId);
    } else {
      if (!isNews(change.removedUserId, change.version)) return false;
      agents.delete(change.removedUserId);
      removed.set(change.removedUserId, change.version);
    }
    return true;
  }

  return {
    read: (userId) => agents.get(userId),
    agents: () => agents.values(),
    size: () => agents.size,
    cursor: log.cursor,
    changesSince: log.since,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    staleSinceMs: () => staleSinceMs,
    apply(change) {
      if (!keep(change)) return;
      log.append(change);
      for (const listener of listeners) listener.onChange(change);
    },
    reset(next, at) {
      agents.clear();
      removed.clear();
      for (const agent of next) agents.set(agent.userId, agent);
      log.restart(at);
      for (const listener of listeners) listener.onReset();
    },
    setStaleSince(ms) {
      staleSinceMs = ms;
    },
  };
}

function toMap(agents: Iterable<KeptAgent>): Map<number, KeptAgent> {
  const map = new Map<number, KeptAgent>();
  for (const agent of agents) map.set(agent.userId, agent);
  return map;
}
