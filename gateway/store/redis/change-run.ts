import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import { raceAbort, startTimeout } from "./abortable.ts";
import { SlotMovedError } from "./connection.ts";
import type { RedisSession } from "./redis-session.ts";

export interface ChangeOptions {
  /** Returns the session. Rejects if there is no session. */
  readonly session: () => Promise<RedisSession>;
  /** Time limit of the change, in milliseconds. A change not made by then is not made later. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Change of one or more agents by a script. */
export interface ChangeRun<Value> {
  readonly script: "change" | "record";
  /** Builds the keys and values. `latest` is the last time of Redis for the change, in milliseconds. */
  readonly toCall: (session: RedisSession, latest: number) => ScriptCall;
  /** Converts the reply. The signal aborts when the time is over. */
  readonly settle: (reply: readonly unknown[], session: RedisSession, signal: AbortSignal) => Promise<Value>;
}

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly values: readonly (string | number)[];
}

const Obstacle = v.tuple([v.picklist(["epoch", "late"])]);

/**
 * Runs a change within its time limit, again if Redis has changed nothing because its epoch, its clock or the node of the
 * shard has changed.
 *
 * @throws {StoreUnavailableError} if Redis may not have kept the change.
 */
export async function runChange<Value>(run: ChangeRun<Value>, options: ChangeOptions): Promise<Value> {
  const { timeoutMs, clock } = options;
  const timeout = new AbortController();
  const timeoutError = new StoreUnavailableError(
    `Redis did not reply within ${timeoutMs} ms: the change may have been made`,
  );
  const cancel = startTimeout(timeoutMs, () => timeout.abort(timeoutError));
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  try {
    return await raceAbort(
      runUntilMade(run, { openSession: options.session, deadlineMs, signal: timeout.signal }),
      timeout.signal,
    );
  } finally {
    cancel();
  }
}

interface Attempts {
  readonly openSession: () => Promise<RedisSession>;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function runUntilMade<Value>(
  run: ChangeRun<Value>,
  { openSession, deadlineMs, signal }: Attempts,
): Promise<Value> {
  for (;;) {
    const session = await openSession();
    signal.throwIfAborted();
    const reply = await send(run, session, deadlineMs);
    if (reply) return run.settle(reply, session, signal);
  }
}

/** Resolves with the reply; `undefined` if Redis has changed nothing and the change is to be sent again. */
async function send<Value>(
  { script, toCall }: ChangeRun<Value>,
  session: RedisSession,
  deadlineMs: number,
): Promise<readonly unknown[] | undefined> {
  const { connection } = session;
  const { keys, values } = toCall(session, Math.ceil(connection.clock.toRedisMs(deadlineMs)));
  try {
    const reply = await session.write(script, keys, values.map(String));
    const obstacle = v.safeParse(Obstacle, reply);
    if (!obstacle.success) return reply;
    // On a new epoch the session must catch up first. On `late` the clock of Redis was set, and its time is known now.
    if (obstacle.output[0] === "epoch") connection.close(new StoreUnavailableError("Redis has started a new epoch"));
    return undefined;
  } catch (error) {
    // The node of a cluster no longer serves the shard.
    if (error instanceof SlotMovedError) return undefined;
    throw error;
  }
}
