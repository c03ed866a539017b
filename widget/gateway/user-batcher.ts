import type { Availability } from "../../shared/contracts/availability.ts";
import type { CallOptions } from "./gateway-client.ts";

/** What a call has brought of one user: an availability, or why there is none. */
export type UserResult = Availability | Error;

export interface UserBatcherOptions {
  /**
   * Makes one call for several users. `close` says which, and has whoever asks from then on be answered by another call: it
   * is for the moment when the call is sent.
   */
  readonly fetchBatch: (
    seal: () => readonly number[],
    options: CallOptions,
  ) => Promise<ReadonlyMap<number, UserResult>>;
  /** The most users of one call. */
  readonly maxUsers: number;
  /** Hears of each asker that is answered by a call which others have asked for. */
  readonly onCoalesced: () => void;
}

/** Asks for users. Resolves in their order; a user that the call has not brought is `undefined`. */
export type LoadUsers = (
  userIds: readonly number[],
  options: CallOptions,
) => Promise<readonly (UserResult | undefined)[]>;

export interface UserBatcher {
  readonly load: LoadUsers;
  /** A user has changed: whoever asks from now on is not answered by a call that was sent before. */
  invalidate(userId: number): void;
}

interface Batch {
  readonly userIds: Set<number>;
  readonly waiters: Set<CallOptions>;
  readonly controller: AbortController;
  readonly results: Promise<ReadonlyMap<number, UserResult>>;
  readonly acceptsMore: () => boolean;
}

/**
 * Lets askers share calls: those that ask before a call is sent, and those that ask for a user whose call is under way.
 * A call lives as long as its most patient asker, and is aborted when the last one has left.
 *
 * Nobody waits for others to ask: a call is begun with its first asker, and is open to the others for as long as it waits
 * for what it cannot be sent without, which is at least until the present task yields and at most until the page has given
 * a token. Not by `dataloader`, which would wait for a timer in a browser, and knows neither aborts nor deadlines.
 */
export function createUserBatcher({ fetchBatch, maxUsers, onCoalesced }: UserBatcherOptions): UserBatcher {
  const batchByUser = new Map<number, Batch>();
  let openBatch: Batch | undefined;

  function finish(batch: Batch): void {
    if (openBatch === batch) openBatch = undefined;
    for (const userId of batch.userIds) if (batchByUser.get(userId) === batch) batchByUser.delete(userId);
  }

  function startBatch({ traceparent }: CallOptions): Batch {
    const controller = new AbortController();
    const userIds = new Set<number>();
    const waiters = new Set<CallOptions>();
    let isSealed = false;
    const seal = (): readonly number[] => {
      isSealed = true;
      return [...userIds];
    };
    const deadline = { remainingMs: () => Math.max(0, ...[...waiters].map((waiter) => waiter.deadline.remainingMs())) };
    const results = fetchBatch(seal, { signal: controller.signal, deadline, traceparent });
    const acceptsMore = (): boolean => !isSealed && userIds.size < maxUsers;
    const batch = { userIds, waiters, controller, results, acceptsMore };
    results.then(
      () => finish(batch),
      () => finish(batch),
    );
    return batch;
  }

  /** The call that brings this user. */
  function getBatch(userId: number, options: CallOptions): Batch {
    const found = batchByUser.get(userId);
    if (found) return found;
    if (!openBatch?.acceptsMore()) openBatch = startBatch(options);
    openBatch.userIds.add(userId);
    batchByUser.set(userId, openBatch);
    return openBatch;
  }

  function cancelWaiter(options: CallOptions, batches: Iterable<Batch>): void {
    for (const batch of batches) {
      batch.waiters.delete(options);
      if (batch.waiters.size > 0) continue;
      finish(batch);
      batch.controller.abort(options.signal.reason);
    }
  }

  async function load(userIds: readonly number[], options: CallOptions): Promise<readonly (UserResult | undefined)[]> {
    options.signal.throwIfAborted();
    const batches = userIds.map((userId) => getBatch(userId, options));
    const joined = new Set(batches);
    if ([...joined].some(({ waiters }) => waiters.size > 0)) onCoalesced();
    for (const { waiters } of joined) waiters.add(options);
    const onAbort = (): void => cancelWaiter(options, joined);
    options.signal.addEventListener("abort", onAbort, { once: true });
    try {
      const allResults = await Promise.all(batches.map(({ results }) => results));
      return userIds.map((userId, index) => allResults[index]?.get(userId));
    } catch (error) {
      // One call has failed: what the others bring is of no use to this asker.
      cancelWaiter(options, joined);
      throw error;
    } finally {
      options.signal.removeEventListener("abort", onAbort);
    }
  }

  return { load, invalidate: (userId) => void batchByUser.delete(userId) };
}
