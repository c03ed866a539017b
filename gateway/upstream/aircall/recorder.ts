import type { Clock } from "../../clock.ts";
import { isUnchanged, type StoredAgent } from "../../store/agent.ts";
import { type CustomerStore, type FoundAgent, ignoreUnreadable } from "../../store/availability-store.ts";
import type { ReadStart } from "../../store/upstream-reads.ts";
import type { UpstreamLog } from "../upstream.ts";
import type { ListedUser } from "./schemas.ts";
import { toAgentState, toStatus } from "./status.ts";

/** Writes reads of the API into the store. Of all gateways' reads, the read that began last wins. */
export interface Recorder {
  /**
   * Returns the start of a read that begins now. Call it before the request is sent.
   *
   * @throws {StoreUnavailableError}
   */
  startRead(): Promise<ReadStart>;
  /** Stores the agents of a read, except those with a result of a later read. @throws {StoreUnavailableError} */
  record(users: readonly ListedUser[], readAt: ReadStart): Promise<void>;
  /** Removes an agent unless a later read has found the agent. @throws {StoreUnavailableError} */
  remove(userId: number, readAt: ReadStart): Promise<void>;
  /** Returns an agent in the store. @throws {StoreUnavailableError} */
  read(userId: number): Promise<StoredAgent | undefined>;
  /** Returns the ids of all agents in the store. @throws {StoreUnavailableError} */
  knownUserIds(signal: AbortSignal): Promise<readonly number[]>;
}

export interface RecorderOptions {
  readonly store: CustomerStore;
  /** Duration of wrap-up time in seconds; `undefined` if unknown, so that availabilities contain no wrap-up time. */
  readonly wrapUpSeconds: number | undefined;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  readonly signal: AbortSignal;
}

/** Number of unknown statuses to remember in order to log each once. */
const MAX_UNKNOWN_STATUSES = 100;

/** Length of an unknown status in the log, limited because the text is foreign. */
const MAX_STATUS_LENGTH = 64;

export function createRecorder({ store, wrapUpSeconds, clock, log, signal }: RecorderOptions): Recorder {
  const unknownStatuses = new Set<string>();

  function reportUnknown(text: string): void {
    const status = text.slice(0, MAX_STATUS_LENGTH);
    if (unknownStatuses.has(status) || unknownStatuses.size >= MAX_UNKNOWN_STATUSES) return;
    unknownStatuses.add(status);
    const quoted = JSON.stringify(status);
    log.warning(
      `The telephony system reports the unknown status ${quoted} of an agent: the gateway serves do_not_disturb`,
    );
  }

  /**
   * Records a read, without the state of an unchanged agent, and returns the agents that another gateway has changed since
   * the replica was compared.
   */
  async function recordChanges(users: readonly ListedUser[], readAt: ReadStart): Promise<readonly ListedUser[]> {
    const replica = await store.open(signal);
    const unchanged: StoredAgent[] = [];
    const changed: FoundAgent[] = [];
    for (const { id: userId, availability } of users) {
      const known = replica.read(userId);
      const state = toAgentState(availability, { wrapUpSeconds, known });
      if (known && !(state && !isUnchanged(known, state, clock.monotonicMs()))) unchanged.push(known);
      else if (state) changed.push({ userId, state });
    }
    if (changed.length > 0) await store.recordAll(changed, readAt);
    const overtaken = new Set(await store.confirm(unchanged, readAt));
    return users.filter(({ id }) => overtaken.has(id));
  }

  /** Records a read with the state of each agent: the store compares the states, because the replica may be behind. */
  async function recordStates(users: readonly ListedUser[], readAt: ReadStart): Promise<void> {
    const replica = await store.open(signal);
    const found = users.flatMap(({ id: userId, availability }) => {
      const state = toAgentState(availability, { wrapUpSeconds, known: replica.read(userId) });
      return state ? [{ userId, state }] : [];
    });
    if (found.length > 0) await store.recordAll(found, readAt);
  }

  return {
    startRead: store.startRead,
    async record(users, readAt) {
      for (const { availability } of users) if (!toStatus(availability).isKnown) reportUnknown(availability);
      await recordStates(await recordChanges(users, readAt), readAt);
    },
    remove: (userId, readAt) => ignoreUnreadable(store.record(userId, undefined, readAt)),
    read: async (userId) => (await store.open(signal)).read(userId),
    async knownUserIds(asking) {
      return Array.from((await store.open(asking)).agents(), ({ userId }) => userId);
    },
  };
}
