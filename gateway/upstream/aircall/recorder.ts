import type { Clock } from "../../clock.ts";
import { isUnchanged } from "../../store/agent.ts";
import { type CustomerStore, ignoreUnreadable } from "../../store/availability-store.ts";
import type { UpstreamLog } from "../upstream.ts";
import type { ListedUser } from "./schemas.ts";
import { toAgentState, toStatus } from "./status.ts";

/** Writes what was read of the API into the store, in the order in which the reads began, whatever order they end in. */
export interface Recorder {
  /** Names a read that begins now. */
  startRead(): number;
  /** Takes over what a read has told, but of agents of whom a later read has told already. @throws {StoreUnavailableError} */
  record(users: readonly ListedUser[], begun: number): Promise<void>;
  /** What was read of an agent before now no longer counts: the agent has just been changed. */
  invalidate(userId: number): void;
  /** Forgets an agent, unless a later read than this one has told of it. @throws {StoreUnavailableError} */
  remove(userId: number, begun: number): Promise<void>;
  /** The ids of all agents that the store knows. @throws {StoreUnavailableError} */
  knownUserIds(signal: AbortSignal): Promise<readonly number[]>;
}

export interface RecorderOptions {
  readonly store: CustomerStore;
  /** How long wrap-up time lasts; without it, none is told. */
  readonly wrapUpSeconds: number | undefined;
  readonly clock: Clock;
  readonly log: UpstreamLog;
  readonly signal: AbortSignal;
}

/** How many words that nobody knows are remembered, so as to be told once each. */
const MAX_UNKNOWN_STATUSES = 100;

/** How much of such a word is told: whatever it is, it comes from elsewhere. */
const MAX_STATUS_LENGTH = 64;

export function createRecorder({ store, wrapUpSeconds, clock, log, signal }: RecorderOptions): Recorder {
  const unknownStatuses = new Set<string>();
  /** When the read began that told of an agent last. */
  const told = new Map<number, number>();
  let lastReadId = 0;

  function reportUnknown(whole: string): void {
    const word = whole.slice(0, MAX_STATUS_LENGTH);
    if (unknownStatuses.has(word) || unknownStatuses.size >= MAX_UNKNOWN_STATUSES) return;
    unknownStatuses.add(word);
    const told = JSON.stringify(word);
    log.warning(`The telephony system says ${told} of an agent, which is unknown: do_not_disturb is served for it`);
  }

  async function recordOne({ id, availability: word }: ListedUser, begun: number): Promise<void> {
    if ((told.get(id) ?? 0) > begun) return;
    // Before anything is awaited: an earlier read that ends meanwhile must not come after.
    told.set(id, begun);
    if (!toStatus(word).isKnown) reportUnknown(word);
    const known = (await store.open(signal)).read(id);
    const state = toAgentState(word, { wrapUpSeconds, known });
    // Asked of the memory first: a store elsewhere need not hear again and again that nothing has changed.
    const isNews = state && !(known && isUnchanged(known, state, clock.monotonicMs()));
    if (isNews) await ignoreUnreadable(store.set(id, state));
  }

  function startRead(): number {
    lastReadId += 1;
    return lastReadId;
  }

  return {
    startRead,
    async record(users, begun) {
      for (const user of users) await recordOne(user, begun);
    },
    invalidate(userId) {
      told.set(userId, startRead());
    },
    async remove(userId, begun) {
      if ((told.get(userId) ?? 0) > begun) return;
      await ignoreUnreadable(store.remove(userId));
      told.delete(userId);
    },
    async knownUserIds(asking) {
      return Array.from((await store.open(asking)).agents(), ({ userId }) => userId);
    },
  };
}
