import type { Clock } from "../../clock.ts";
import { isUnchanged } from "../../store/agent.ts";
import { type CustomerStore, ignoreUnreadable } from "../../store/availability-store.ts";
import type { UpstreamLog } from "../upstream.ts";
import type { ListedUser } from "./schemas.ts";
import { toAgentState, toStatus } from "./status.ts";

/** Writes reads of the API into the store. The read started last wins, in any order of completion. */
export interface Recorder {
  /** Returns the id of a read that starts now. Ids grow. */
  startRead(): number;
  /** Stores the agents of a read, except those with a result of a later read. @throws {StoreUnavailableError} */
  record(users: readonly ListedUser[], readId: number): Promise<void>;
  /** Invalidates earlier reads of an agent, because the agent has just been changed. */
  invalidate(userId: number): void;
  /** Removes an agent unless a later read has found the agent. @throws {StoreUnavailableError} */
  remove(userId: number, readId: number): Promise<void>;
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
  /** Id of the latest read of each agent. */
  const lastReadByUser = new Map<number, number>();
  let lastReadId = 0;

  function reportUnknown(text: string): void {
    const status = text.slice(0, MAX_STATUS_LENGTH);
    if (unknownStatuses.has(status) || unknownStatuses.size >= MAX_UNKNOWN_STATUSES) return;
    unknownStatuses.add(status);
    const quoted = JSON.stringify(status);
    log.warning(
      `The telephony system reports the unknown status ${quoted} of an agent: the gateway serves do_not_disturb`,
    );
  }

  async function recordOne({ id, availability: vendorStatus }: ListedUser, readId: number): Promise<void> {
    if ((lastReadByUser.get(id) ?? 0) > readId) return;
    // Set the id before the first `await`: an earlier read ending meanwhile must not overwrite the later read.
    lastReadByUser.set(id, readId);
    if (!toStatus(vendorStatus).isKnown) reportUnknown(vendorStatus);
    const known = (await store.open(signal)).read(id);
    const state = toAgentState(vendorStatus, { wrapUpSeconds, known });
    // Compare with the replica first, to save a remote store from unchanged writes.
    const hasChanged = state && !(known && isUnchanged(known, state, clock.monotonicMs()));
    if (hasChanged) await ignoreUnreadable(store.set(id, state));
  }

  function startRead(): number {
    lastReadId += 1;
    return lastReadId;
  }

  return {
    startRead,
    async record(users, readId) {
      for (const user of users) await recordOne(user, readId);
    },
    invalidate(userId) {
      lastReadByUser.set(userId, startRead());
    },
    async remove(userId, readId) {
      if ((lastReadByUser.get(userId) ?? 0) > readId) return;
      await ignoreUnreadable(store.remove(userId));
      lastReadByUser.delete(userId);
    },
    async knownUserIds(asking) {
      return Array.from((await store.open(asking)).agents(), ({ userId }) => userId);
    },
  };
}
