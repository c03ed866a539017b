import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import type { StoreLog } from "../availability-store.ts";
import { type Change, type ChangeLog, createChangeLog } from "../change-log.ts";
import { toCursorText } from "../cursor.ts";
import type { PositionedChange, WritableReplica } from "../replica.ts";
import { type AgentRecord, ChangeEntry, toStoredAgent } from "./agent-record.ts";
import type { StreamEntry } from "./connection.ts";
import { createPositionWaiters } from "./position-waiters.ts";
import type { RedisClock } from "./redis-clock.ts";

/** The changes of all customers in one epoch, as the stream brings them: kept, and handed out to the replicas. */
export interface ChangeStream {
  readonly epoch: string;
  /** How far it has come. */
  position(): number;
  /** The entry that it has come to, in one text; empty before the first. */
  lastEntry(): string;
  /** The highest version that was in it. */
  highestVersion(): number;
  /**
   * Takes over what comes next in the stream.
   *
   * @throws {ChangeGapError} where that is not what comes next in this epoch.
   */
  append(entries: readonly StreamEntry[], clock: RedisClock): void;
  /** Resolves once it has come to this position. Rejects with the signal's reason as soon as that aborts. */
  waitFor(position: number, signal: AbortSignal): Promise<void>;
  /** The last changes of one customer, and the position after which none is missing. */
  historyOf(customerId: string): { readonly historyStart: number; readonly history: readonly PositionedChange[] };
  /** Hands out a customer's changes from here on. */
  subscribe(customerId: string, replica: Pick<WritableReplica, "apply">): void;
}

/** The stream no longer goes on from where this gateway stands: it has to begin anew. */
export class ChangeGapError extends Error {
  override readonly name = "ChangeGapError";
}

export interface ChangeStreamOptions {
  readonly epoch: string;
  /** How far the epoch had come when the gateway found it: up to here, the stream may still tell of earlier epochs. */
  readonly attachPosition: number;
  /** How many changes to keep. */
  readonly historyLength: number;
  readonly clock: Clock;
  readonly log: Pick<StoreLog, "warning">;
}

interface CustomerChange extends PositionedChange {
  readonly customerId: string;
}

/** A feed that stands before the first entry of the stream. */
export function createChangeStream({
  epoch,
  attachPosition,
  historyLength,
  clock: monotonic,
  log,
}: ChangeStreamOptions): ChangeStream {
  const replicas = new Map<string, Pick<WritableReplica, "apply">>();
  const waiters = createPositionWaiters(() => position);
  const changes: ChangeLog<CustomerChange> = createChangeLog(0, historyLength);
  let position = 0;
  let lastEntry = "";
  let highestVersion = 0;
  let hasReported = false;

  function startEpoch(startedEpoch: string, at: number): void {
    if (startedEpoch !== epoch && at > attachPosition)
      throw new ChangeGapError("Another gateway has begun a new epoch");
    // What came before has no cursor in the epoch that follows, and what was lost may have left a gap.
    changes.reset(at);
  }

  function expectNext(at: number): void {
    // The oldest entries of the stream may be cut off already; after that, each follows on the one before.
    if (lastEntry === "") changes.reset(at - 1);
    else if (at !== position + 1) throw new ChangeGapError(`Changes ${position + 1} to ${at - 1} are missing`);
  }

  function appendOne({ id, message }: StreamEntry, clock: RedisClock): void {
    const at = Number(/^(\d{1,15})-0$/.exec(id)?.[1]);
    const read = v.safeParse(ChangeEntry, message);
    if (read.success && "epoch" in read.output) startEpoch(read.output.epoch, at);
    else expectNext(at);
    position = at;
    lastEntry = Object.entries(message).flat().join(" ");
    if (!read.success) skip(id);
    else if ("customer" in read.output) store(read.output.customer, read.output, clock);
  }

  function store(customerId: string, record: AgentRecord, clock: RedisClock): void {
    const change = toChange(record, clock);
    highestVersion = Math.max(highestVersion, record.version);
    changes.append({ position, customerId, change });
    replicas.get(customerId)?.apply(position, change);
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
      for (const entry of entries) appendOne(entry, clock);
      waiters.notify();
    },
    waitFor: waiters.waitFor,
    historyOf(customerId) {
      const historyStart = changes.firstPosition();
      return {
        historyStart,
        history: (changes.since(historyStart) ?? []).filter((entry) => entry.customerId === customerId),
      };
    },
    subscribe: (customerId, replica) => void replicas.set(customerId, replica),
  };
}
