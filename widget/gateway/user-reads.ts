import type { Availability } from "../../shared/contracts/availability.ts";
import type { CallScope } from "./gateway-client.ts";

/** What a call has brought of one user: an availability, or why there is none. */
export type UserRead = Availability | Error;

export interface UserReadsOptions {
  /**
   * Makes one call for several users. `close` says which, and has whoever asks from then on be answered by another call: it
   * is for the moment when the call is sent.
   */
  readonly call: (close: () => readonly number[], scope: CallScope) => Promise<ReadonlyMap<number, UserRead>>;
  /** The most users of one call. */
  readonly maxUsers: number;
  /** Hears of each asker that is answered by a call which others have asked for. */
  readonly onShared: () => void;
}

/** Asks for users. Resolves in their order; a user that the call has not brought is `undefined`. */
export type AskForUsers = (userIds: readonly number[], scope: CallScope) => Promise<readonly (UserRead | undefined)[]>;

export interface UserReads {
  readonly ask: AskForUsers;
  /** A user has changed: whoever asks from now on is not answered by a call that was sent before. */
  outdate(userId: number): void;
}

interface UserCall {
  readonly userIds: Set<number>;
  readonly askers: Set<CallScope>;
  readonly controller: AbortController;
  readonly answer: Promise<ReadonlyMap<number, UserRead>>;
  readonly isOpen: () => boolean;
}

/**
 * Lets askers share calls: those that ask before a call is sent, and those that ask for a user whose call is under way.
 * A call lives as long as its most patient asker, and is aborted when the last one has left.
 *
 * Nobody waits for others to ask: a call is begun with its first asker, and is open to the others for as long as it waits
 * for what it cannot be sent without, which is at least until the present task yields and at most until the page has given
 * a token. Not by `dataloader`, which would wait for a timer in a browser, and knows neither aborts nor deadlines.
 */
export function createUserReads({ call, maxUsers, onShared }: UserReadsOptions): UserReads {
  const running = new Map<number, UserCall>();
  let latest: UserCall | undefined;

  function end(ended: UserCall): void {
    if (latest === ended) latest = undefined;
    for (const userId of ended.userIds) if (running.get(userId) === ended) running.delete(userId);
  }

  function begin({ traceparent }: CallScope): UserCall {
    const controller = new AbortController();
    const userIds = new Set<number>();
    const askers = new Set<CallScope>();
    let isClosed = false;
    const close = (): readonly number[] => {
      isClosed = true;
      return [...userIds];
    };
    const deadline = { remainingMs: () => Math.max(0, ...[...askers].map((asker) => asker.deadline.remainingMs())) };
    const answer = call(close, { signal: controller.signal, deadline, traceparent });
    const isOpen = (): boolean => !isClosed && userIds.size < maxUsers;
    const begun = { userIds, askers, controller, answer, isOpen };
    answer.then(
      () => end(begun),
      () => end(begun),
    );
    return begun;
  }

  /** The call that brings this user. */
  function find(userId: number, scope: CallScope): UserCall {
    const found = running.get(userId);
    if (found) return found;
    if (!latest?.isOpen()) latest = begin(scope);
    latest.userIds.add(userId);
    running.set(userId, latest);
    return latest;
  }

  function leave(scope: CallScope, calls: Iterable<UserCall>): void {
    for (const left of calls) {
      left.askers.delete(scope);
      if (left.askers.size > 0) continue;
      end(left);
      left.controller.abort(scope.signal.reason);
    }
  }

  async function ask(userIds: readonly number[], scope: CallScope): Promise<readonly (UserRead | undefined)[]> {
    scope.signal.throwIfAborted();
    const calls = userIds.map((userId) => find(userId, scope));
    const joined = new Set(calls);
    if ([...joined].some(({ askers }) => askers.size > 0)) onShared();
    for (const { askers } of joined) askers.add(scope);
    const onAbort = (): void => leave(scope, joined);
    scope.signal.addEventListener("abort", onAbort, { once: true });
    try {
      const answers = await Promise.all(calls.map(({ answer }) => answer));
      return userIds.map((userId, at) => answers[at]?.get(userId));
    } catch (error) {
      // One call has failed: what the others bring is of no use to this asker.
      leave(scope, joined);
      throw error;
    } finally {
      scope.signal.removeEventListener("abort", onAbort);
    }
  }

  return { ask, outdate: (userId) => void running.delete(userId) };
}
