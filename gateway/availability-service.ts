import type { Availability, ChangedAvailability } from "../shared/contracts/availability.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type Status, type StoredAgent, toAvailability, toChangedAvailability } from "./store/agent.ts";
import {
  type CustomerStore,
  StoreUnavailableError,
  UnreadableAgentError,
  VersionMismatchError,
} from "./store/availability-store.ts";
import type { Replica } from "./store/replica.ts";
import type { Upstream, UpstreamContext } from "./upstream/upstream.ts";

/** A value from the store with its age. */
export interface AgedReading<Value> {
  readonly value: Value;
  /** Greatest age in whole seconds; 0 while the store and the upstream are up to date. */
  readonly ageSeconds: number;
}

/** Availabilities of the requested users that exist, as a snapshot of them. */
export interface ManyResult extends AgedReading<CustomerSnapshot> {
  /** Ids of users with unreadable data in the store. */
  readonly unreadable: readonly number[];
}

/** Availabilities of some users of a customer at one moment. */
export interface CustomerSnapshot {
  /** Cursor at which a stream of the same users continues. Unchanged while no user of the customer changes. */
  readonly cursor: string;
  /** Creates the list when called, for the moment of the call. */
  list(): readonly ChangedAvailability[];
}

/** An agent in the replica's current state. */
export interface CachedReading {
  /** The same object until the agent changes. */
  readonly agent: StoredAgent;
  /** Greatest age in whole seconds, as in `AgedReading`. */
  readonly ageSeconds: number;
  /** Time at which the data was valid, in milliseconds of the monotonic clock, as in wrap-up times. */
  readonly validAtMs: number;
}

/** Agents of the requested users in the replica's current state. */
export interface CachedManyReading {
  /** The agents that exist, each the same object until the agent changes. */
  readonly agents: readonly StoredAgent[];
  /** Ids of the requested users without an agent. */
  readonly missing: readonly number[];
  /** Cursor, as in `CustomerSnapshot`. */
  readonly cursor: string;
  /** Greatest age in whole seconds, as in `AgedReading`. */
  readonly ageSeconds: number;
  /** Time at which the data was valid, as in `CachedReading`. */
  readonly validAtMs: number;
}

/** All agents of a customer in the replica's current state. */
export interface AllReading {
  /** Cursor, as in `CustomerSnapshot`. */
  readonly cursor: string;
  /** Greatest age in whole seconds, as in `AgedReading`. */
  readonly ageSeconds: number;
  /** Time at which the data was valid, as in `CachedReading`. */
  readonly validAtMs: number;
  /** Ids of users with unreadable data in the store. */
  readonly unreadable: readonly number[];
  /** Lists the agents, each the same object until the agent changes. The list is the cursor's until the next change. */
  agents(): readonly StoredAgent[];
  /** Reads the agents again, at the time of the call. */
  again(): AllReading;
}

/** A requested change of status. */
export interface StatusChange {
  readonly userId: number;
  readonly status: Status;
  /** Versions of which the agent must have one. @default any version */
  readonly ifVersions?: readonly number[];
}

/**
 * Changes a status in the store alone, as `setStatus` of the service does without an upstream. `undefined` for an unknown
 * user.
 */
export type StoreSetter = (change: StatusChange) => Promise<Availability | undefined>;

/** One customer's availabilities, for the routes to read and write. */
export interface AvailabilityService {
  /**
   * Reads a user's availability; the value is `undefined` for an unknown user. Rejects with the signal's reason when
   * the signal aborts.
   *
   * @throws {StoreUnavailableError} if the data is older than the limit, not loaded yet, or unreadable.
   * @throws {UpstreamError} in the same cases, if the upstream has given a reason.
   */
  read(userId: number, signal: AbortSignal): Promise<AgedReading<Availability | undefined>>;
  /**
   * Returns the reading of `read` synchronously; `undefined` if `read` would wait, reject or find no user. @default
   * always `undefined`
   */
  getCached?(userId: number): CachedReading | undefined;
  /**
   * Reads the availabilities of several users.
   *
   * @throws as `read` does.
   */
  readMany(userIds: readonly number[], signal: AbortSignal): Promise<ManyResult>;
  /**
   * Returns the reading of `readMany` synchronously; `undefined` if `readMany` would wait or reject, or if a user's data is
   * unreadable. @default always `undefined`
   */
  getCachedMany?(userIds: readonly number[]): CachedManyReading | undefined;
  /** Reads the availabilities of all users. @throws as `read` does. */
  readAll(signal: AbortSignal): Promise<AllReading>;
  /** Returns the reading of `readAll` synchronously; `undefined` if `readAll` would wait or reject. @default always `undefined` */
  getCachedAll?(): AllReading | undefined;
  /**
   * Opens the replica for a stream. @throws as `read` does, and a {@link StoreUnavailableError} while the store's data is
   * older than a stream may be.
   */
  open(signal: AbortSignal): Promise<Replica>;
  /**
   * Changes a user's status, in the upstream first. `undefined` for an unknown user.
   *
   * @throws {VersionMismatchError} if the user has none of the requested versions.
   * @throws {UpstreamError} if the upstream rejects the change or cannot be reached.
   * @throws {StoreUnavailableError} if the store does not confirm the change.
   */
  setStatus(change: StatusChange, scope: UpstreamContext): Promise<Availability | undefined>;
  /**
   * Returns the setter of `setStatus`; `undefined` if `setStatus` would load the customer first, or call an upstream.
   * @default always `undefined`
   */
  getStoreSetter?(): StoreSetter | undefined;
  /**
   * Creates a user with this status. `undefined` if only the upstream can create users.
   *
   * @throws {StoreUnavailableError} if the store does not confirm the change.
   */
  create(userId: number, status: Status): Promise<Availability | undefined>;
}

export interface AvailabilityServiceOptions {
  readonly store: CustomerStore;
  readonly upstream: Upstream;
  /** Greatest age of a served availability, in seconds, unless the upstream needs longer to be read twice. */
  readonly staleLimitSeconds: number;
  readonly clock?: Clock;
}

/**
 * Greatest age of the store's data with which a stream opens, in seconds; the interval of heartbeats. The end of a
 * snapshot says that the client has everything.
 */
const MAX_STREAM_AGE_SECONDS = 15;

/**
 * Creates the service for one customer. Readings have the age of the store's or the upstream's data, the older of the
 * two.
 */
export function createAvailabilityService(options: AvailabilityServiceOptions): AvailabilityService {
  const { store, upstream, staleLimitSeconds, clock = systemClock } = options;

  /** The customer's replica; `undefined` before the first read. Never replaced by another replica. */
  let loaded: Replica | undefined;

  /** Returns the present age, and if the store's or the upstream's data is older than its limit. */
  function measureAge(replica: Replica) {
    const { staleSinceMs, failure, minStaleLimitSeconds = 0 } = upstream.health();
    const storeAge = toAgeSeconds(replica.staleSinceMs());
    const upstreamAge = toAgeSeconds(staleSinceMs);
    const isTooOld = storeAge > staleLimitSeconds || upstreamAge > Math.max(staleLimitSeconds, minStaleLimitSeconds);
    return { ageSeconds: Math.max(storeAge, upstreamAge), isTooOld, failure };
  }

  function toAgeSeconds(sinceMs: number | undefined): number {
    return sinceMs === undefined ? 0 : Math.ceil((clock.monotonicMs() - sinceMs) / 1000);
  }

  function ageSeconds(replica: Replica): number {
    const { ageSeconds: age, isTooOld, failure } = measureAge(replica);
    if (!isTooOld) return age;
    throw failure ?? new StoreUnavailableError(`The availabilities are older than ${staleLimitSeconds} seconds`);
  }

  async function load(signal: AbortSignal): Promise<Replica> {
    loaded = await store.open(signal);
    return loaded;
  }

  async function open(signal: AbortSignal): Promise<Replica> {
    const replica = await load(signal);
    ageSeconds(replica);
    const storeAgeSeconds = toAgeSeconds(replica.staleSinceMs());
    if (storeAgeSeconds > MAX_STREAM_AGE_SECONDS)
      throw new StoreUnavailableError(`The store's changes of the last ${storeAgeSeconds} seconds are missing`);
    return replica;
  }

  /**
   * Returns the time at which a reading of a given age was valid. Clients subtract the age from the wrap-up time (RFC
   * 9111 §4.2.3).
   */
  function toValidAtMs(ageSeconds: number): number {
    return clock.monotonicMs() - ageSeconds * 1000;
  }

  async function readMany(userIds: readonly number[], signal: AbortSignal): Promise<ManyResult> {
    const replica = await load(signal);
    const age = ageSeconds(replica);
    const agents = userIds.flatMap((userId) => replica.read(userId) ?? []);
    return {
      value: toSnapshot(replica, agents, age),
      ageSeconds: age,
      unreadable: userIds.filter(replica.isUnreadable),
    };
  }

  async function readAll(signal: AbortSignal): Promise<AllReading> {
    const replica = await load(signal);
    return toAllReading(replica, ageSeconds(replica));
  }

  function toAllReading(replica: Replica, age: number): AllReading {
    return {
      cursor: replica.lastChangeCursor(),
      ageSeconds: age,
      validAtMs: toValidAtMs(age),
      unreadable: [...replica.unreadable()],
      agents: () => [...replica.agents()],
      again: () => toAllReading(replica, measureAge(replica).ageSeconds),
    };
  }

  function toSnapshot(replica: Replica, agents: Iterable<StoredAgent>, ageSeconds: number): CustomerSnapshot {
    return {
      cursor: replica.lastChangeCursor(),
      list() {
        const atMs = toValidAtMs(ageSeconds);
        return Array.from(agents, (agent) => toChangedAvailability(agent, atMs));
      },
    };
  }

  /** Rejects with a `VersionMismatchError` if the user has none of the requested versions, at whichever gateway. */
  async function checkVersion(replica: Replica, { userId, ifVersions }: StatusChange): Promise<void> {
    if (!ifVersions) return;
    await store.catchUp();
    const known = replica.read(userId);
    if (known && !ifVersions.includes(known.version)) throw new VersionMismatchError(known.version);
  }

  /** True for a user who exists. A user with unreadable data exists: writing makes the data readable. */
  function isKnown(replica: Replica, userId: number): boolean {
    return replica.read(userId) !== undefined || replica.isUnreadable(userId);
  }

  async function setStored({ userId, status, ifVersions }: StatusChange): Promise<Availability | undefined> {
    if (!loaded || !isKnown(loaded, userId)) return undefined;
    const agent = await store.setStatus(userId, status, ifVersions);
    return agent && toAvailability(agent, clock.monotonicMs());
  }

  async function setStatus(change: StatusChange, scope: UpstreamContext): Promise<Availability | undefined> {
    const { userId, status } = change;
    const replica = await load(scope.signal);
    if (!upstream.setStatus) return setStored(change);
    if (!isKnown(replica, userId)) return undefined;
    const checkAgent = () => checkVersion(replica, change);
    const agent = await upstream.setStatus({ userId, status, checkAgent }, scope);
    return agent && toAvailability(agent, clock.monotonicMs());
  }

  return {
    open,
    readMany,
    readAll,
    setStatus,
    getStoreSetter: () => (loaded && !upstream.setStatus ? setStored : undefined),
    async create(userId, status) {
      if (!upstream.allowsNewUsers) return undefined;
      const introduced = await store.insertIfAbsent(userId, { status });
      // Another request has created the user first, so set the status.
      const agent = introduced.status === status ? introduced : await store.setStatus(userId, status);
      return agent && toAvailability(agent, clock.monotonicMs());
    },
    getCached(userId) {
      const agent = loaded?.read(userId);
      if (!loaded || !agent) return undefined;
      const { ageSeconds, isTooOld } = measureAge(loaded);
      return isTooOld ? undefined : { agent, ageSeconds, validAtMs: toValidAtMs(ageSeconds) };
    },
    getCachedMany(userIds) {
      if (!loaded) return undefined;
      const { ageSeconds, isTooOld } = measureAge(loaded);
      if (isTooOld) return undefined;
      const agents: StoredAgent[] = [];
      const missing: number[] = [];
      for (const userId of userIds) {
        const agent = loaded.read(userId);
        if (agent) agents.push(agent);
        else if (loaded.isUnreadable(userId)) return undefined;
        else missing.push(userId);
      }
      return { agents, missing, cursor: loaded.lastChangeCursor(), ageSeconds, validAtMs: toValidAtMs(ageSeconds) };
    },
    getCachedAll() {
      if (!loaded) return undefined;
      const { ageSeconds, isTooOld } = measureAge(loaded);
      return isTooOld ? undefined : toAllReading(loaded, ageSeconds);
    },
    async read(userId, signal) {
      const replica = await load(signal);
      const age = ageSeconds(replica);
      const agent = replica.read(userId);
      if (!agent && replica.isUnreadable(userId))
        throw new UnreadableAgentError("The user's stored data cannot be read");
      return { value: agent && toAvailability(agent, toValidAtMs(age)), ageSeconds: age };
    },
  };
}
