import type { Clock } from "../../clock.ts";
import { isUnchanged } from "../../store/agent.ts";
import { type CustomerStore, ignoreUnreadable } from "../../store/availability-store.ts";
import type { UpstreamLog } from "../upstream.ts";
import type { ListedUser } from "./schemas.ts";
import { toAgentState, toStatus } from "./status.ts";

/** Writes what was read of the API into the store, in the order in which the reads began, whatever order they end in. */
export interface Recorder {
  /** Names a read that begins now. */
  begin(): number;
  /** Takes over what a read has told, but of agents of whom a later read has told already. @throws {StoreUnavailableError} */
  record(users: readonly ListedUser[], begun: number): Promise<void>;
  /** What was read of an agent before now no longer counts: the agent has just been changed. */
  outdate(userId: number): void;
  /** Forgets an agent, unless a later read than this one has told of it. @throws {StoreUnavailableError} */
  forget(userId: number, begun: number): Promise<void>;
  /** The ids of all agents that the store knows. @throws {StoreUnavailableError} */
  known(signal: AbortSignal): Promise<readonly number[]>;
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
const MAX_UNKNOWN_WORDS = 100;

/** How much of such a word is told: whatever it is, it comes from elsewhere. */
const MAX_WORD_LENGTH = 64;

export function createRecorder({ store, wrapUpSeconds, clock, log, signal }: RecorderOptions): Recorder {
  const unknownWords = new Set<string>();
  /** When the read began that told of an agent last. */
  const told = new Map<number, number>();
  let reads = 0;

  function reportUnknown(whole: string): void {
    const word = whole.slice(0, MAX_WORD_LENGTH);
    if (unknownWords.has(word) || unknownWords.size >= MAX_UNKNOWN_WORDS) return;
    unknownWords.add(word);
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

  function begin(): number {
    reads += 1;
    return reads;
  }

  return {
    begin,
    async record(users, begun) {
      for (const user of users) await recordOne(user, begun);
    },
    outdate(userId) {
      told.set(userId, begin());
    },
    async forget(userId, begun) {
      if ((told.get(userId) ?? 0) > begun) return;
      await ignoreUnreadable(store.remove(userId));
      told.delete(userId);
    },
    async known(asking) {
      return Array.from((await store.open(asking)).agents(), ({ userId }) => userId);
    },
  };
}
