import { randomBytes } from "node:crypto";
import * as v from "valibot";
import { type Clock, systemClock } from "../clock.ts";
import type { StoredAgent } from "./agent.ts";
import {
  type AvailabilityStore,
  type CustomerStore,
  type LeaseOptions,
  type StoreLog,
  StoreUnavailableError,
} from "./availability-store.ts";
import { raceAbort } from "./redis/abortable.ts";
import { type ChangeRequest, changeAgent } from "./redis/agent-change.ts";
import { catchUpWithRedis, confirmAgents, readLastReadMs, readRedisTime } from "./redis/agent-reads.ts";
import { recordAgents } from "./redis/agent-recording.ts";
import type { ChangeStream } from "./redis/change-stream.ts";
import { loadCustomer } from "./redis/customer-snapshot.ts";
import { eraseCustomer } from "./redis/erasure.ts";
import { createStoreKeys, FIRST_SHARD, type StoreKeys } from "./redis/keys.ts";
import { loadListState, recordListFailure, recordPage } from "./redis/list-state.ts";
import { createReconnection, type Reconnection } from "./redis/reconnection.ts";
import { createRedisGateways } from "./redis/redis-gateways.ts";
import {
  eraseOutdated,
  eraseUnserved,
  isKnownCustomer,
  RETENTION_TIMES,
  type RetentionTimes,
} from "./redis/redis-retention.ts";
import type { RedisServerOptions } from "./redis/redis-server-options.ts";
import { type LoadedCustomer, openRedisSession, type RedisSession } from "./redis/redis-session.ts";
import { createRedisSlots } from "./redis/redis-slots.ts";
import { shardNames } from "./redis/shards.ts";
import { createStoreReadiness } from "./redis/store-readiness.ts";
import { createWriteRejectionLog } from "./redis/write-rejection-log.ts";
import { createReplica, highestVersionOf, type WritableReplica } from "./replica.ts";
import { sumReplicaSizes } from "./replica-size.ts";
import { createShardedStore } from "./sharded-store.ts";
import { type StoreObserver, unobservedStore } from "./store-observer.ts";

export interface RedisStoreOptions {
  /** In mode `cluster` the store has 16 shards, each with the data of some customers; otherwise a single shard. */
  readonly server: RedisServerOptions;
  /**
   * Receives a warning when Redis is lost, unreachable or has lost data, and a line after reconnecting. No line
   * contains a password.
   */
  readonly log: StoreLog;
  /** Time limit for a reply of Redis, in milliseconds. @default 2000 */
  readonly timeoutMs?: number;
  /**
   * Time for which a read waits for changes, and interval of the writes that check if Redis accepts writes, in
   * milliseconds. An unresponsive Redis is noticed that much later.
   * @default 1000
   */
  readonly waitMs?: number;
  /** Maximum delay between two attempts to connect, in milliseconds. @default 5000 */
  readonly maxDelayMs?: number;
  /**
   * Number of changes of all customers of a shard that Redis keeps for returning subscribers. Set the same number on all
   * gateways.
   * @default 100000; 20000 in mode `cluster`
   */
  readonly historyLength?: number;
  /** @default 30 days, once a day */
  readonly retention?: RetentionTimes;
  /** @default the system clock */
  readonly clock?: Clock;
  /** @default nothing is observed */
  readonly observer?: StoreObserver;
}

const DEFAULTS = {
  timeoutMs: 2_000,
  waitMs: 1_000,
  maxDelayMs: 5_000,
  clock: systemClock,
  observer: unobservedStore,
  retention: RETENTION_TIMES,
};

/** The histories of 16 busy shards take three times the memory of a single history. */
const HISTORY_LENGTHS = { single: 100_000, sentinel: 100_000, cluster: 20_000 };

/** Creates a store in Redis for several gateways. Connects at once and reconnects when the connection breaks. */
export function createRedisStore(options: RedisStoreOptions): AvailabilityStore {
  const { server, log } = options;
  const settings = { ...DEFAULTS, historyLength: HISTORY_LENGTHS[server.mode], ...options };
  const names = shardNames(server.mode);
  const openShard = (name: string, shardLog: StoreLog) =>
    createRedisShard({ ...settings, keys: createStoreKeys(server.keyPrefix, name), log: shardLog });
  if (names.length === 1) return openShard(FIRST_SHARD, log);
  return createShardedStore({
    shardCount: names.length,
    openShard: (index) => openShard(names[index] ?? FIRST_SHARD, withShardName(names[index] ?? FIRST_SHARD, log)),
  });
}

/** Returns a log whose lines name the shard. */
function withShardName(name: string, { line, warning }: StoreLog): StoreLog {
  return { line: (text) => line(`Shard ${name}: ${text}`), warning: (text) => warning(`Shard ${name}: ${text}`) };
}

type ShardOptions = Required<RedisStoreOptions> & { readonly keys: StoreKeys };

/**
 * Creates the store of a shard: a single order of changes, and two connections to the Redis with the shard's keys.
 *
 * Each gateway holds a replica of every requested customer. One connection brings the changes of every customer, in the
 * order of Redis. Replicas change in no other way, not even by the gateway's own writes.
 */
function createRedisShard(settings: ShardOptions): AvailabilityStore {
  const { clock, log } = settings;
  const customers = new Map<string, CustomerStore>();
  const loaded = new Map<string, LoadedCustomer>();
  let stream: ChangeStream | undefined;

  const readiness = createStoreReadiness(isReady);
  const writeRejections = createWriteRejectionLog(log);

  function isReady(): boolean {
    return reconnection.current()?.isWritable() ?? false;
  }

  async function open() {
    const session = await openRedisSession(
      { ...settings, onWritable: readiness.notify, writeRejections },
      loaded,
      stream,
    );
    stream = session.stream;
    return session;
  }

  const reconnection = createReconnection({
    open,
    onConnected() {
      settings.observer.onConnected();
      readiness.notify();
    },
    onDisconnected({ connection }) {
      for (const { replica } of loaded.values()) {
        // A replica that has not caught up in the session has been stale for longer.
        replica.setStaleSince(Math.min(replica.staleSinceMs() ?? Infinity, connection.lastReadMs()));
      }
    },
    maxDelayMs: settings.maxDelayMs,
    monotonicMs: clock.monotonicMs,
    log,
  });
  const leases = createLeases(reconnection, clock);

  return {
    forCustomer(customerId) {
      const known =
        customers.get(customerId) ?? createCustomerStore(customerId, { settings, loaded, reconnection, isReady });
      customers.set(customerId, known);
      return known;
    },
    isReady,
    whenReady: readiness.wait,
    lease: leases.acquire,
    gateways: createRedisGateways(reconnection.session),
    replicaSize: () => sumReplicaSizes(Array.from(loaded.values(), ({ replica }) => replica)),
    eraseUnserved: async () => eraseUnserved(settings.retention, await reconnection.session()),
    historySize: () => stream?.historySize() ?? { entries: 0, bytes: 0 },
    async close() {
      await leases.release();
      await reconnection.close();
    },
  };
}

interface CustomerStoreParts {
  readonly settings: Required<RedisStoreOptions>;
  /** Customers with a replica in this process's memory. */
  readonly loaded: Map<string, LoadedCustomer>;
  readonly reconnection: Reconnection;
  readonly isReady: () => boolean;
}

function createCustomerStore(customerId: string, parts: CustomerStoreParts): CustomerStore {
  const { settings, loaded, reconnection, isReady } = parts;
  const { clock, timeoutMs } = settings;
  let loading: Promise<WritableReplica> | undefined;

  async function load(): Promise<WritableReplica> {
    const session = await reconnection.session();
    let replica: WritableReplica | undefined;
    await loadCustomer(customerId, session, (contents) => {
      replica = createReplica(contents);
      session.stream.subscribe(customerId, replica);
      loaded.set(customerId, { replica, stream: session.stream });
    });
    if (!replica) throw new StoreUnavailableError("The customer was not loaded");
    return replica;
  }

  /** Waits until Redis and the replica have the same of the customer. */
  async function openRecovered(): Promise<RedisSession> {
    const session = await reconnection.session();
    await session.whenRecovered(customerId);
    return session;
  }

  const knownVersion = (userId: number) => loaded.get(customerId)?.replica.versionOf(userId) ?? 0;
  const changeOptions = { session: openRecovered, timeoutMs, clock };

  function change(userId: number, request: ChangeRequest): Promise<StoredAgent | undefined> {
    const target = { customerId, userId, knownVersion: () => knownVersion(userId) };
    return changeAgent(target, request, changeOptions);
  }

  async function write(userId: number, request: ChangeRequest): Promise<StoredAgent> {
    const agent = await change(userId, request);
    if (!agent) throw new Error(`Redis did not return agent ${userId} after storing it`);
    return agent;
  }

  return {
    async open(signal) {
      signal.throwIfAborted();
      const known = loaded.get(customerId);
      if (known) return known.replica;
      loading ??= load().finally(() => {
        loading = undefined;
      });
      return raceAbort(loading, signal);
    },
    staleSinceMs() {
      const known = loaded.get(customerId);
      if (known) return known.replica.staleSinceMs();
      return reconnection.current() ? undefined : -Infinity;
    },
    isReady,
    set: (userId, state) => write(userId, { operation: "set", state }),
    insertIfAbsent: (userId, state) => write(userId, { operation: "insertIfAbsent", state }),
    setStatus: (userId, status, ifVersions) => change(userId, { operation: "setStatus", status, ifVersions }),
    async remove(userId) {
      await change(userId, { operation: "remove" });
    },
    catchUp: async () => catchUpWithRedis(await openRecovered()),
    startRead: async () => readRedisTime(await reconnection.session()),
    lastReadMs: async (userId) => readLastReadMs({ customerId, userId }, await reconnection.session()),
    record(userId, state, readAt) {
      return change(userId, state ? { operation: "set", state, readAt } : { operation: "remove", readAt });
    },
    recordAll: (agents, readAt) => recordAgents({ customerId, agents, readAt, knownVersion }, changeOptions),
    async confirm(agents, readAt) {
      if (agents.length === 0) return [];
      return confirmAgents(customerId, { agents, readAt }, await openRecovered());
    },
    recordPage: async (read) => recordPage(customerId, read, await reconnection.session()),
    recordListFailure: async (reason) => recordListFailure(customerId, reason, await reconnection.session()),
    loadListState: async () => loadListState(customerId, await reconnection.session()),
    requestSlots: createRedisSlots(customerId, reconnection.session),
    async erase(userIds) {
      const session = await openRecovered();
      const replica = loaded.get(customerId)?.replica ?? (await load());
      return eraseCustomer({ customerId, userIds, knownVersion: highestVersionOf(replica) }, session);
    },
    eraseOutdated: async () => eraseOutdated(customerId, settings.retention, await openRecovered()),
    isKnown: async () => isKnownCustomer(customerId, await openRecovered()),
  };
}

const Granted = v.tuple([v.number()]);

function createLeases(reconnection: Reconnection, clock: Clock) {
  const owner = randomBytes(16).toString("hex");
  const heldKeys = new Set<string>();
  return {
    async acquire(task: string, durationMs: number, { keepAfterClose = false }: LeaseOptions = {}): Promise<boolean> {
      const session = reconnection.current();
      if (!session) return false;
      const key = session.connection.keys.lease(task);
      const sentMs = clock.monotonicMs();
      try {
        const reply = await session.write("lease", [key], [owner, String(durationMs)]);
        const [isGranted] = v.parse(Granted, reply);
        if (isGranted === 1 && !keepAfterClose) heldKeys.add(key);
        // A reply that took longer than the duration is about a lease that has expired.
        return isGranted === 1 && clock.monotonicMs() - sentMs < durationMs;
      } catch (error) {
        if (error instanceof StoreUnavailableError) return false;
        throw error;
      }
    },
    /** Releases the leases for other gateways. If Redis is unreachable, the leases expire. */
    async release(): Promise<void> {
      const session = reconnection.current();
      if (!session || heldKeys.size === 0) return;
      await session.write("release", [...heldKeys], [owner]).catch((error: unknown) => {
        if (!(error instanceof StoreUnavailableError)) throw error;
      });
    },
  };
}
