import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { type Delay, delay } from "../../delay.ts";
import { type StoreLog, StoreUnavailableError } from "../availability-store.ts";
import { highestVersionOf, type WritableReplica } from "../replica.ts";
import type { StoreObserver } from "../store-observer.ts";
import { Digits } from "./agent-record.ts";
import { type ChangeStream, createChangeStream } from "./change-stream.ts";
import { ReadOnlyRedisError, type RedisConnection, RedisReplyError } from "./connection.ts";
import { type CustomerRecovery, recoverCustomers } from "./customer-recovery.ts";
import { loadCustomer, restoreCustomer, type SnapshotSource } from "./customer-snapshot.ts";
import { repeatErasure } from "./erasure.ts";
import type { StoreKeys } from "./keys.ts";
import { openConnection } from "./open-connection.ts";
import { createReadPace } from "./read-pace.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";
import { warnOfServerSettings } from "./server-settings.ts";
import { errorCode, type WriteRejectionLog } from "./write-rejection-log.ts";

/** Connection to Redis from the moment when the gateway has caught up until the connection breaks. */
export interface RedisSession extends SnapshotSource {
  /** Time before which Redis may have lost changes that another gateway still has, on the monotonic clock. */
  readonly beganMs: number;
  /** True if Redis has accepted the last write that the session tried, and has rejected none since. */
  isWritable(): boolean;
  /** Runs a script that may write, like the connection's `run`. */
  write: RedisConnection["run"];
  /**
   * Resolves when Redis has what this gateway has of the customer, so that the customer can be written.
   *
   * @throws {StoreUnavailableError} if the session ends first.
   */
  whenRecovered(customerId: string): Promise<void>;
  /** Resolves when all replicas are current. Rejects if the session ends first. */
  readonly recovered: Promise<void>;
}

/** Customer with a replica in this process's memory. */
export interface LoadedCustomer {
  readonly replica: WritableReplica;
  /** Source of the replica's changes. */
  stream: ChangeStream;
}

export interface RedisSessionOptions {
  readonly server: RedisServerOptions;
  readonly keys: StoreKeys;
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly historyLength: number;
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Called when Redis accepts writes again after rejecting a write. */
  readonly onWritable: () => void;
  readonly writeRejections: WriteRejectionLog;
  readonly observer: StoreObserver;
  /** @default a delay by `setTimeout` */
  readonly wait?: Delay;
}

const Attached = v.tuple([v.picklist(["continued", "missed", "changed", "renewed"]), v.string(), Digits]);
const Checked = v.tuple([v.string(), v.string()]);

/**
 * Time to stay connected to a read-only Redis, in milliseconds. After a failover the host name may lead to a new
 * primary.
 */
const READ_ONLY_MS = 10_000;

/**
 * Connects to Redis, and continues the change stream or starts a new one. The session then catches up: restores agents
 * that Redis has lost, and reloads each customer, several at a time. A customer is kept current from then on until the
 * connection's signal aborts, and its replica is stale before. The caller marks all replicas as stale after.
 *
 * @throws {StoreUnavailableError} if the connection fails.
 */
export async function openRedisSession(
  options: RedisSessionOptions,
  customers: ReadonlyMap<string, LoadedCustomer>,
  previous: ChangeStream | undefined,
): Promise<RedisSession> {
  const { historyLength, log, clock, observer } = options;
  const connection = await openConnection({ ...options, monotonic: clock, observe: observer.observe });
  // Redis has read its data before it accepts a connection.
  const beganMs = clock.monotonicMs();
  try {
    const { stream, attachPosition } = await attach(connection, options, { customers, previous });
    const source = { connection, stream, historyLength, log, monotonicMs: clock.monotonicMs };
    const session = createSession(source, beganMs, options);
    void readChanges(session, options);
    await stream.waitFor(attachPosition, connection.signal);
    await session.check();
    await warnOfServerSettings(connection, log);
    connection.signal.throwIfAborted();
    // No `await` may follow here: the caller must know the session before a replica seems current.
    const { whenRecovered, finished: recovered } = startCatchUp(customers, source);
    return { ...session, whenRecovered, recovered };
  } catch (error) {
    connection.close(toError(error));
    throw error;
  }
}

interface PreviousState {
  readonly customers: ReadonlyMap<string, LoadedCustomer>;
  readonly previous: ChangeStream | undefined;
}

async function attach(
  connection: RedisConnection,
  options: RedisSessionOptions,
  { customers, previous }: PreviousState,
) {
  const { historyLength, log, clock, observer } = options;
  const position = previous ? [previous.epoch, String(previous.position()), previous.lastEntry()] : ["", "", ""];
  const minVersion = highestVersion(customers, previous) + 1;
  const values = [...position, randomBytes(6).toString("hex"), String(minVersion), String(historyLength)];
  const reply = await connection.run("attach", [connection.keys.store, connection.keys.changes], values);
  const [state, epoch, attachPosition] = v.parse(Attached, reply);
  if (previous && state === "continued") return { stream: previous, attachPosition };
  if (previous) log.warning(ATTACH_MESSAGES[state]);
  return {
    stream: createChangeStream({ epoch, attachPosition, historyLength, clock, log, onLag: observer.onChanges }),
    attachPosition,
  };
}

const ATTACH_MESSAGES = {
  continued: "Redis has all changes",
  missed: "Redis no longer has some of the missed changes: all streams restart with a snapshot",
  changed: "Redis has lost changes and another gateway has started a new epoch: all streams restart with a snapshot",
  renewed: "Redis has lost changes: this gateway restores what it has cached, and all streams restart with a snapshot",
};

function highestVersion(customers: ReadonlyMap<string, LoadedCustomer>, previous: ChangeStream | undefined): number {
  let highest = previous?.highestVersion() ?? 0;
  for (const { replica } of customers.values()) highest = Math.max(highest, highestVersionOf(replica));
  return highest;
}

/** Brings all loaded customers up to the change stream's current position. Closes the connection if that fails. */
function startCatchUp(customers: ReadonlyMap<string, LoadedCustomer>, source: SnapshotSource): CustomerRecovery {
  const { connection, stream } = source;
  const missed: string[] = [];
  for (const [customerId, customer] of customers) {
    if (customer.stream === stream) customer.replica.setStaleSince(undefined);
    else missed.push(customerId);
  }
  const recovery = recoverCustomers(missed, async (customerId) => {
    const customer = customers.get(customerId);
    if (customer) await catchUp(customerId, customer, source);
    connection.signal.throwIfAborted();
    customer?.replica.setStaleSince(undefined);
  });
  recovery.finished.catch((error: unknown) => connection.close(toError(error)));
  return recovery;
}

/** Brings an already loaded customer up to the change stream's current position. */
async function catchUp(customerId: string, customer: LoadedCustomer, source: SnapshotSource): Promise<void> {
  const { replica } = customer;
  await restoreCustomer(customerId, replica, source);
  await repeatErasure(customerId, replica, { ...source, write: source.connection.run });
  await loadCustomer(customerId, source, (contents) => {
    customer.stream = source.stream;
    source.stream.subscribe(customerId, replica);
    replica.reset(contents);
  });
}

type CheckedSession = Omit<RedisSession, "whenRecovered" | "recovered"> & { check(): Promise<void> };

/** Codes of the errors with which Redis rejects every write. Any other error is about one command. */
const REJECTS_ALL_WRITES = new Set(["MISCONF", "NOREPLICAS", "OOM", "READONLY"]);

function createSession(
  source: SnapshotSource,
  beganMs: number,
  { onWritable, writeRejections, observer }: Pick<RedisSessionOptions, "onWritable" | "writeRejections" | "observer">,
): CheckedSession {
  const { connection, stream, monotonicMs } = source;
  const openedMs = monotonicMs();
  let isWritable = false;

  function handleAccepted(): void {
    writeRejections.onAccepted();
    if (isWritable) return;
    isWritable = true;
    onWritable();
  }

  function handleRejected(error: string, readOnlyMs: number): void {
    isWritable = false;
    writeRejections.onRejected(error);
    observer.onRejected(errorCode(error));
    const isReadOnly = errorCode(error) === "READONLY" && monotonicMs() - openedMs >= readOnlyMs;
    if (isReadOnly) connection.close(new ReadOnlyRedisError());
  }

  return {
    ...source,
    beganMs,
    isWritable: () => isWritable,
    async write(script, keys, values) {
      try {
        // The reply of a script that found nothing to write is no proof that Redis accepts writes. `check` has the proof.
        return await connection.run(script, keys, values);
      } catch (error) {
        // If the primary has become a replica, the host name may now lead to the new primary.
        if (error instanceof RedisReplyError && REJECTS_ALL_WRITES.has(errorCode(error.reply)))
          handleRejected(error.reply, isWritable ? 0 : READ_ONLY_MS);
        throw error;
      }
    },
    async check() {
      const [epoch, error] = v.parse(Checked, await connection.run("check", [connection.keys.store], []));
      if (epoch !== stream.epoch) connection.close(new StoreUnavailableError("Redis has lost its epoch"));
      if (error === "") handleAccepted();
      else handleRejected(error, READ_ONLY_MS);
    },
  };
}

/** Appends new entries to the change stream until the connection breaks, and checks Redis every `waitMs` milliseconds. */
async function readChanges(
  { connection, stream, check, monotonicMs }: CheckedSession,
  { waitMs, wait = delay }: Pick<RedisSessionOptions, "waitMs" | "wait">,
): Promise<void> {
  const pace = createReadPace({ monotonicMs, wait });
  let checkedMs = monotonicMs();
  try {
    while (!connection.signal.aborted) {
      const entries = await connection.read(stream.position());
      stream.append(entries, connection.clock);
      await pace(entries.length, connection.signal);
      if (entries.length > 0 && monotonicMs() - checkedMs < waitMs) continue;
      await check();
      checkedMs = monotonicMs();
    }
  } catch (error) {
    connection.close(toError(error));
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new StoreUnavailableError(String(thrown));
}
