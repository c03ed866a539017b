import type { Availability } from "../../shared/contracts/availability.ts";
import type { BackendResponseError } from "../../shared/protocol/rejection.ts";
import type { CallOptions } from "./gateway-client.ts";

/** Result for one user: an availability, or the backend's error that explains why there is none. */
export type UserResult = Availability | BackendResponseError;

export interface UserBatcherOptions {
  /**
   * Fetches several users in one call. `sealBatch` returns the user ids and closes the batch to further users, so it is to
   * be called when the call is sent.
   */
  readonly fetchBatch: (
    seal: () => readonly number[],
    options: CallOptions,
  ) => Promise<ReadonlyMap<number, UserResult>>;
  /** Maximum number of users in one call. */
  readonly maxUsers: number;
  /** Called for each caller that shares a call started by another caller. */
  readonly onCoalesced: () => void;
}

/** Loads users. Resolves in the order of the ids; a user without a result is `undefined`. */
export type LoadUsers = (
  userIds: readonly number[],
  options: CallOptions,
) => Promise<readonly (UserResult | undefined)[]>;

export interface UserBatcher {
  readonly load: LoadUsers;
  /** Excludes batches sent before a user's change from the results of later callers. */
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
 * Creates a batcher. Callers share a call if they request users before the call is sent, or a user of a call in flight.
 * A call has the latest deadline of its callers, and is aborted when the last caller has cancelled.
 *
 * A batch starts with its first request, without a delay. Other users can join until the call is sent: at least until the
 * current task yields, at most until the page has returned a token. `dataloader` would wait for a timer in a browser, and
 * supports neither aborts nor deadlines.
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

  /** Returns the batch that fetches this user, and adds the user to a batch if there is none. */
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
      // One batch has failed, so this caller has no use for the other batches.
      cancelWaiter(options, joined);
      throw error;
    } finally {
      options.signal.removeEventListener("abort", onAbort);
    }
  }

  return { load, invalidate: (userId) => void batchByUser.delete(userId) };
}
