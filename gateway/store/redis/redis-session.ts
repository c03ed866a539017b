import { randomBytes } from "node:crypto";
import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { type StoreLog, StoreUnavailableError } from "../availability-store.ts";
import type { WritableReplica } from "../replica.ts";
import { Digits } from "./agent-record.ts";
import { type ChangeStream, createChangeStream } from "./change-stream.ts";
import { openConnection, type RedisConnection, RedisReplyError } from "./connection.ts";
import { loadCustomer, restoreCustomer, type SnapshotSource } from "./customer-snapshot.ts";
import { CHANGES_KEY, STORE_KEY } from "./keys.ts";

/** The time from when the gateway has caught up with Redis until it loses it. */
export interface RedisSession extends SnapshotSource {
  /** Why Redis takes no writes, in its own word; `undefined` as far as it does. */
  writeError(): string | undefined;
  /** As the connection's `run`, for what writes. */
  write: RedisConnection["run"];
}

/** A customer whose agents are in this process's memory. */
export interface LoadedCustomer {
  readonly replica: WritableReplica;
  /** What keeps it current. */
  stream: ChangeStream;
}

export interface RedisSessionOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly waitMs: number;
  readonly historyLength: number;
  readonly clock: Clock;
  readonly log: StoreLog;
  /** Called when Redis accepts writes again after it has rejected one. */
  readonly onWritable: () => void;
}

const Attached = v.tuple([v.picklist(["continued", "missed", "changed", "renewed"]), v.string(), Digits]);
const Checked = v.tuple([v.string(), v.string()]);

/** How long to stay with a Redis that only can be read: another one may have taken its name. */
const READ_ONLY_MS = 10_000;

/**
 * Connects to Redis and catches up: goes on where the feed stood, or begins a new one, gives back what Redis has lost, and
 * loads each customer anew. From then on the customers are kept current, until the connection's signal aborts.
 *
 * @throws {StoreUnavailableError} where that does not succeed.
 */
export async function openRedisSession(
  options: RedisSessionOptions,
  customers: ReadonlyMap<string, LoadedCustomer>,
  previous: ChangeStream | undefined,
): Promise<RedisSession> {
  const { historyLength, log, clock } = options;
  const connection = await openConnection({ ...options, monotonic: clock });
  try {
    const { stream, attachPosition } = await attach(connection, options, { customers, previous });
    const source = { connection, stream, historyLength, log, monotonicMs: clock.monotonicMs };
    const session = createSession(source, options.onWritable);
    void readChanges(session);
    await stream.waitFor(attachPosition, connection.signal);
    for (const [customerId, customer] of customers) await catchUp(customerId, customer, source);
    await session.check();
    connection.signal.throwIfAborted();
    // All at once: what broke off halfway would leave customers that nothing keeps current, and that do not say so.
    for (const { replica } of customers.values()) replica.setStaleSince(undefined);
    return session;
  } catch (error) {
    connection.close(error instanceof Error ? error : new StoreUnavailableError(String(error)));
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
  const { historyLength, log, clock } = options;
  const position = previous ? [previous.epoch, String(previous.position()), previous.lastEntry()] : ["", "", ""];
  const minVersion = highestVersion(customers, previous) + 1;
  const values = [...position, randomBytes(6).toString("hex"), String(minVersion), String(historyLength)];
  const reply = await connection.run("attach", [STORE_KEY, CHANGES_KEY], values);
  const [state, epoch, attachPosition] = v.parse(Attached, reply);
  if (previous && state === "continued") return { stream: previous, attachPosition };
  if (previous) log.warning(ATTACH_MESSAGES[state]);
  return { stream: createChangeStream({ epoch, attachPosition, historyLength, clock, log }), attachPosition };
}

const ATTACH_MESSAGES = {
  continued: "Redis has kept everything",
  missed: "More has changed than Redis keeps: all streams restart with a snapshot",
  changed: "Redis has lost changes, as another gateway has found: all streams restart with a snapshot",
  renewed: "Redis has lost changes: this gateway restores what it has cached, and all streams restart with a snapshot",
};

function highestVersion(customers: ReadonlyMap<string, LoadedCustomer>, previous: ChangeStream | undefined): number {
  let highest = previous?.highestVersion() ?? 0;
  for (const { replica } of customers.values()) {
    for (const { version } of replica.agents()) highest = Math.max(highest, version);
    for (const [, version] of replica.removed()) highest = Math.max(highest, version);
  }
  return highest;
}

/** Brings a customer to where the feed stands who was loaded before. */
async function catchUp(customerId: string, customer: LoadedCustomer, source: SnapshotSource): Promise<void> {
  const { replica } = customer;
  if (customer.stream === source.stream) return;
  await restoreCustomer(customerId, replica, source);
  await loadCustomer(customerId, source, (contents) => {
    customer.stream = source.stream;
    source.stream.subscribe(customerId, replica);
    replica.reset(contents);
  });
}

type WritableSession = RedisSession & { check(): Promise<void> };

function createSession(source: SnapshotSource, onWritable: () => void): WritableSession {
  const { connection, stream, monotonicMs } = source;
  const openedMs = monotonicMs();
  /** Not known before it was tried. */
  let writeError: string | undefined = "UNTRIED";

  function setWriteError(next: string | undefined): void {
    const isWritableAgain = writeError !== undefined && next === undefined;
    writeError = next;
    if (isWritableAgain) onWritable();
  }

  return {
    ...source,
    writeError: () => writeError,
    async write(script, keys, values) {
      try {
        const answer = await connection.run(script, keys, values);
        setWriteError(undefined);
        return answer;
      } catch (error) {
        if (!(error instanceof RedisReplyError)) throw error;
        // Where the primary has become a replica, its name may lead to another one by now.
        if (error.code === "READONLY" && writeError === undefined) connection.close(error);
        setWriteError(error.code);
        throw error;
      }
    },
    async check() {
      const reply = await connection.run("check", [STORE_KEY], [writeError === undefined ? "" : "write"]);
      const [epoch, error] = v.parse(Checked, reply);
      if (epoch !== stream.epoch) connection.close(new StoreUnavailableError("Redis has lost its epoch"));
      setWriteError(error === "" ? undefined : error.split(" ")[0]);
      const isReadOnly = writeError === "READONLY" && monotonicMs() - openedMs > READ_ONLY_MS;
      if (isReadOnly) connection.close(new StoreUnavailableError("Redis can only be read"));
    },
  };
}

/** Hands out what the stream brings, as long as the connection lasts. */
async function readChanges({ connection, stream, check }: WritableSession): Promise<void> {
  try {
    while (!connection.signal.aborted) {
      const entries = await connection.read(stream.position());
      stream.append(entries, connection.clock);
      // Without news, whether the stream is still the one that there was.
      if (entries.length === 0) await check();
    }
  } catch (error) {
    connection.close(error instanceof Error ? error : new StoreUnavailableError(String(error)));
  }
}
