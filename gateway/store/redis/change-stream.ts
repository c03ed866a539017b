import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import type { StoreLog } from "../availability-store.ts";
import { type Change, type CustomerHistory, createChangeHistory, type HistorySize } from "../change-history.ts";
import { toCursorText } from "../cursor.ts";
import type { AppliedErasure, WritableReplica } from "../replica.ts";
import { type AgentRecord, ChangeEntry, toStoredAgent } from "./agent-record.ts";
import type { StreamEntry } from "./connection.ts";
import { createPositionWaiters } from "./position-waiters.ts";
import type { RedisClock } from "./redis-clock.ts";

/** Changes of every customer in an epoch, in the order of the Redis stream: logged, and applied to the replicas. */
export interface ChangeStream {
  readonly epoch: string;
  /** Position of the last appended entry. */
  position(): number;
  /** Text of the last appended entry; empty before the first. */
  lastEntry(): string;
  /** Highest version among the appended entries. */
  highestVersion(): number;
  /**
   * Appends the next entries of the Redis stream.
   *
   * @throws {ChangeGapError} if the entries do not continue this epoch.
   */
  append(entries: readonly StreamEntry[], clock: RedisClock): void;
  /** Resolves once the stream has reached the position. Rejects with the signal's reason if the signal aborts first. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
  /** Returns the latest changes of a customer. A subscribed replica appends further ones; otherwise the stream does. */
  historyOf(customerId: string): CustomerHistory;
  /** Returns the size of the histories of all customers together. */
  historySize(): HistorySize;
  /** Applies a customer's changes to the replica from now on. */
  subscribe(customerId: string, replica: SubscribedReplica): void;
}

/** Replica to which the stream applies its changes. */
type SubscribedReplica = Pick<WritableReplica, "apply" | "erase">;

/** Thrown when the Redis stream does not continue from this gateway's position. The gateway must attach again. */
export class ChangeGapError extends Error {
  override readonly name = "ChangeGapError";
}

export interface ChangeStreamOptions {
  readonly epoch: string;
  /**
   * Position of the epoch when the gateway attached. Up to this position the Redis stream may contain earlier epochs.
   */
  readonly attachPosition: number;
  /** Number of changes to keep. */
  readonly historyLength: number;
  readonly clock: Clock;
  readonly log: Pick<StoreLog, "warning">;
  /** Called as `onChanges` of the store's observer. @default not called */
  readonly onLag?: (lagMs: number) => void;
}

/** Creates a change stream positioned before the first entry. */
export function createChangeStream({
  epoch,
  attachPosition,
  historyLength,
  clock: monotonic,
  log,
  onLag,
}: ChangeStreamOptions): ChangeStream {
  const replicas = new Map<string, SubscribedReplica>();
  const waiters = createPositionWaiters(() => position);
  const history = createChangeHistory(0, { length: historyLength });
  let position = 0;
  let lastEntry = "";
  let highestVersion = 0;
  let hasReported = false;

  function startEpoch(startedEpoch: string, at: number): void {
    if (startedEpoch !== epoch && at > attachPosition)
      throw new ChangeGapError("Another gateway has started a new epoch");
    // Earlier changes have no cursor in the new epoch, and a loss may have left a gap.
    history.reset(at);
  }

  function expectNext(at: number): void {
    // The oldest entries may be trimmed already. From then on every entry must follow the previous entry.
    if (lastEntry === "") history.reset(at - 1);
    else if (at !== position + 1) throw new ChangeGapError(`Changes ${position + 1} to ${at - 1} are missing`);
  }

  /** Appends an entry. Returns the time of its change on the clock of the Redis machine, if it has one. */
  function appendOne({ id, message }: StreamEntry, clock: RedisClock): number | undefined {
    const at = Number(/^(\d{1,15})-0$/.exec(id)?.[1]);
    const read = v.safeParse(ChangeEntry, message);
    if (read.success && "epoch" in read.output) startEpoch(read.output.epoch, at);
    else expectNext(at);
    position = at;
    lastEntry = Object.entries(message).flat().join(" ");
    if (!read.success) skip(id);
    if (read.success && "erased" in read.output) erase(read.output.erased, read.output);
    if (!read.success || !("customer" in read.output)) return undefined;
    store(read.output.customer, read.output, clock);
    return read.output.updatedAt;
  }

  function erase(customerId: string, erasure: AppliedErasure): void {
    highestVersion = Math.max(highestVersion, erasure.version);
    history.of(customerId).discard(position);
    replicas.get(customerId)?.erase(position, erasure);
  }

  function store(customerId: string, record: AgentRecord, clock: RedisClock): void {
    const change = toChange(record, clock);
    highestVersion = Math.max(highestVersion, record.version);
    const replica = replicas.get(customerId);
    if (replica) replica.apply(position, change);
    else history.of(customerId).append({ position, change });
  }

  function toChange(record: AgentRecord, clock: RedisClock): Change {
    const cursor = toCursorText({ epoch, position });
    const agent = toStoredAgent(record, clock, monotonic.monotonicMs());
    return agent ? { cursor, agent } : { cursor, removedUserId: record.userId, version: record.version };
  }

  function skip(id: string): void {
    if (hasReported) return;
    hasReported = true;
    log.warning(`Skipping change ${id} and others in Redis that this version of the gateway cannot read`);
  }

  return {
    epoch,
    position: () => position,
    lastEntry: () => lastEntry,
    highestVersion: () => highestVersion,
    append(entries, clock) {
      let changedAtMs: number | undefined;
      for (const entry of entries) changedAtMs = appendOne(entry, clock) ?? changedAtMs;
      // Earlier changes were made before this gateway listened.
      if (changedAtMs !== undefined && position > attachPosition)
        onLag?.(Math.max(0, monotonic.monotonicMs() - clock.toMonotonicMs(changedAtMs)));
      waiters.notify();
    },
    waitFor: waiters.waitFor,
    historyOf: history.of,
    historySize: history.size,
    subscribe: (customerId, replica) => void replicas.set(customerId, replica),
  };
}
