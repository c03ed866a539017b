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
import type { Upstream, UpstreamContext, UpstreamHealth } from "./upstream/upstream.ts";

/** What was read, and how old it may be. */
export interface AgedReading<Value> {
  readonly value: Value;
  /** In whole seconds; 0 while the store and the upstream are followed live. */
  readonly ageSeconds: number;
}

/** The availabilities of those among many users that exist. */
export interface ManyResult extends AgedReading<readonly Availability[]> {
  /** Those of whom the store holds something that cannot be read. */
  readonly unreadable: readonly number[];
}

/** All of a customer's availabilities at one moment. */
export interface CustomerSnapshot {
  /** Where a reader that holds them may go on with the stream. It stays while none of them changes. */
  readonly cursor: string;
  /** Made only when it is asked for, at once. */
  list(): readonly ChangedAvailability[];
}

/** An agent as it is known at this moment. */
export interface CachedReading {
  /** Another object whenever anything is another about the agent, and the same one until then. */
  readonly agent: StoredAgent;
  /** How old this may be, as in a reading. */
  readonly ageSeconds: number;
  /** The moment that it is of, in milliseconds on the clock that the agent's wrap-up time runs by. */
  readonly atMs: number;
}

/** A change that an asker wants. */
export interface StatusChangeResult {
  readonly userId: number;
  readonly status: Status;
  /** Where given, the agent must have one of these versions. */
  readonly ifVersions?: readonly number[];
}

/** One customer's availabilities as its callers read and write them. */
export interface AvailabilityService {
  /**
   * A user's availability at the moment of the answer; its value is `undefined` where there is no such user.
   * Stops working for it, and rejects with the signal's reason, when the signal aborts.
   *
   * @throws {StoreUnavailableError} where what is known is older than the limit, or nothing is known yet, or it cannot be read.
   * @throws {UpstreamError} likewise, where the upstream has said why.
   */
  read(userId: number, signal: AbortSignal): Promise<AgedReading<Availability | undefined>>;
  /** What `read` would tell of, at once; `undefined` where it would have to wait, or fail, or tell of nobody. @default always that */
  peek?(userId: number): CachedReading | undefined;
  /**
   * The availabilities of those among these users that exist.
   *
   * @throws as `read` does.
   */
  readMany(userIds: readonly number[], signal: AbortSignal): Promise<ManyResult>;
  /** The availabilities of all users. @throws as `read` does. */
  readAll(signal: AbortSignal): Promise<AgedReading<CustomerSnapshot>>;
  /** What a stream follows. @throws as `read` does. */
  open(signal: AbortSignal): Promise<Replica>;
  /**
   * Changes a user's status, upstream first. `undefined` where there is no such user.
   *
   * @throws {VersionMismatchError} where the user has another version than asked for.
   * @throws {UpstreamError} where the upstream refuses or cannot be reached.
   * @throws {StoreUnavailableError} where the change is not certain to be kept.
   */
  setStatus(change: StatusChangeResult, scope: UpstreamContext): Promise<Availability | undefined>;
  /**
   * Makes a user known who was not, with this status. `undefined` where the upstream alone says who there is.
   *
   * @throws {StoreUnavailableError} where the change is not certain to be kept.
   */
  introduce(userId: number, status: Status): Promise<Availability | undefined>;
}

export interface AvailabilityServiceOptions {
  readonly store: CustomerStore;
  readonly upstream: Upstream;
  /** How old what is served may be, in seconds. */
  readonly staleLimitSeconds: number;
  readonly clock?: Clock;
}

/** The availabilities of a customer, held against the age of what its store and its upstream know. */
export function createAvailabilityService(options: AvailabilityServiceOptions): AvailabilityService {
  const { store, upstream, staleLimitSeconds, clock = systemClock } = options;

  /** The customer's replica, which is always the same, once anybody has asked for it. */
  let loaded: Replica | undefined;

  function currentAge(replica: Replica, health: UpstreamHealth): number {
    const since = Math.min(replica.staleSinceMs() ?? Infinity, health.staleSinceMs ?? Infinity);
    return since === Infinity ? 0 : Math.ceil((clock.monotonicMs() - since) / 1000);
  }

  function ageSeconds(replica: Replica): number {
    const health = upstream.health();
    const age = currentAge(replica, health);
    if (age <= staleLimitSeconds) return age;
    throw health.failure ?? new StoreUnavailableError(`What is known is older than ${staleLimitSeconds} seconds`);
  }

  async function load(signal: AbortSignal): Promise<Replica> {
    loaded = await store.open(signal);
    return loaded;
  }

  async function open(signal: AbortSignal): Promise<Replica> {
    const replica = await load(signal);
    ageSeconds(replica);
    return replica;
  }

  /** When an answer of this age was made: whoever reads it takes its age off its wrap-up time, RFC 9111 §4.2.3. */
  function madeAtMs(ageSeconds: number): number {
    return clock.monotonicMs() - ageSeconds * 1000;
  }

  async function readMany(userIds: readonly number[], signal: AbortSignal): Promise<ManyResult> {
    const replica = await load(signal);
    const age = ageSeconds(replica);
    const agents = userIds.map((userId) => replica.read(userId));
    const atMs = madeAtMs(age);
    return {
      value: agents.flatMap((agent) => (agent ? [toAvailability(agent, atMs)] : [])),
      ageSeconds: age,
      unreadable: userIds.filter(replica.isUnreadable),
    };
  }

  async function readAll(signal: AbortSignal): Promise<AgedReading<CustomerSnapshot>> {
    const replica = await load(signal);
    const age = ageSeconds(replica);
    const list = (): readonly ChangedAvailability[] => {
      const atMs = madeAtMs(age);
      return [...replica.agents()].map((agent) => toChangedAvailability(agent, atMs));
    };
    return { value: { cursor: replica.lastChangeCursor(), list }, ageSeconds: age };
  }

  async function setStatus(change: StatusChangeResult, scope: UpstreamContext): Promise<Availability | undefined> {
    const { userId, status, ifVersions } = change;
    const replica = await load(scope.signal);
    const known = replica.read(userId);
    // Whoever cannot be read is there all the same, and can be read again once written.
    if (!known && !replica.isUnreadable(userId)) return undefined;
    if (known && ifVersions && !ifVersions.includes(known.version)) throw new VersionMismatchError(known.version);
    await upstream.setStatus(userId, status, scope);
    // Where the upstream decides, it has by now: that the agent has changed meanwhile takes nothing of it back.
    const agent = await store.setStatus(userId, status, upstream.allowsNewUsers ? ifVersions : undefined);
    // Who is in a call, say, is not made available by it. Not before it is written, which would come on top.
    upstream.scheduleRefresh(userId);
    return agent && toAvailability(agent, clock.monotonicMs());
  }

  return {
    open,
    readMany,
    readAll,
    setStatus,
    async introduce(userId, status) {
      if (!upstream.allowsNewUsers) return undefined;
      const introduced = await store.insertIfAbsent(userId, { status });
      // Another asker was faster: then this is a change like any other.
      const agent = introduced.status === status ? introduced : await store.setStatus(userId, status);
      return agent && toAvailability(agent, clock.monotonicMs());
    },
    peek(userId) {
      const agent = loaded?.read(userId);
      if (!loaded || !agent) return undefined;
      const ageSeconds = currentAge(loaded, upstream.health());
      return ageSeconds <= staleLimitSeconds ? { agent, ageSeconds, atMs: madeAtMs(ageSeconds) } : undefined;
    },
    async read(userId, signal) {
      const replica = await load(signal);
      const age = ageSeconds(replica);
      const agent = replica.read(userId);
      if (!agent && replica.isUnreadable(userId))
        throw new UnreadableAgentError("What is kept of the user cannot be read");
      return { value: agent && toAvailability(agent, madeAtMs(age)), ageSeconds: age };
    },
  };
}
