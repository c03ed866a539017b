import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { type AgentState, SAME_WRAP_UP_TOLERANCE_MS, type Status, type StoredAgent } from "../agent.ts";
import { StoreUnavailableError, UnreadableAgentError, VersionMismatchError } from "../availability-store.ts";
import { raceAbort, startTimeout } from "./abortable.ts";
import { type AgentRecord, AgentRow, Digits, toStoredAgent } from "./agent-record.ts";
import { agentKeyPrefix, CHANGES_KEY, membersKey, STORE_KEY } from "./keys.ts";
import type { RedisSession } from "./redis-session.ts";

/** A change that is asked of one agent. */
export type ChangeRequest =
  | { readonly operation: "set" | "insertIfAbsent"; readonly state: AgentState }
  | { readonly operation: "setStatus"; readonly status: Status; readonly ifVersions: readonly number[] | undefined }
  | { readonly operation: "remove" };

export interface ChangeTarget {
  readonly customerId: string;
  readonly userId: number;
  /** A version that this gateway has seen of the agent: the next one is higher, whatever Redis remembers. */
  readonly knownVersion: () => number;
}

export interface ChangeOptions {
  /** The session; rejects where there is none. */
  readonly session: () => Promise<RedisSession>;
  /** How long the asker waits. What has not been done by then is not done later. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const Reply = v.union([
  v.tuple([v.picklist(["changed", "unchanged", "unknown", "mismatch"]), Digits, v.unknown()]),
  v.tuple([v.picklist(["epoch", "late", "unreadable"])]),
]);

/**
 * Changes an agent in Redis, and resolves once the feed has brought the change, so that whoever was answered finds it in the
 * replica. `undefined` where there is no such agent, before the change or after it.
 *
 * @throws {VersionMismatchError} where the agent's version is none of those asked for.
 * @throws {StoreUnavailableError} where it is not certain to be kept.
 * @throws {UnreadableAgentError} where what is kept of the agent cannot be read.
 */
export async function changeAgent(
  target: ChangeTarget,
  request: ChangeRequest,
  options: ChangeOptions,
): Promise<StoredAgent | undefined> {
  const { timeoutMs, clock } = options;
  const timeout = new AbortController();
  const timeoutError = new StoreUnavailableError(
    `Redis did not answer within ${timeoutMs} ms: the change may have been made`,
  );
  const cancel = startTimeout(timeoutMs, () => timeout.abort(timeoutError));
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  try {
    return await raceAbort(
      attempt(target, request, { ...options, deadlineMs, signal: timeout.signal }),
      timeout.signal,
    );
  } finally {
    cancel();
  }
}

type Attempt = ChangeOptions & { readonly deadlineMs: number; readonly signal: AbortSignal };

async function attempt(
  target: ChangeTarget,
  request: ChangeRequest,
  options: Attempt,
): Promise<StoredAgent | undefined> {
  const { session: openSession, deadlineMs, signal, clock } = options;
  for (;;) {
    const session = await openSession();
    signal.throwIfAborted();
    const { connection, stream } = session;
    const values = toValues(target, request, session, deadlineMs);
    const reply = v.parse(Reply, await session.write("change", toKeys(target), values));
    // Nothing was done. With an earlier epoch than Redis has, the session has to catch up first; what came too late by the
    // clock of a Redis whose clock was set is sent again, now that this is known.
    if (reply[0] === "epoch") connection.close(new StoreUnavailableError("Redis has begun a new epoch"));
    if (reply[0] === "unreadable") throw new UnreadableAgentError(UNREADABLE);
    if (reply.length === 1) continue;
    const [outcome, position, row] = reply;
    const record = readRow(row);
    await stream.waitFor(position, signal);
    if (outcome === "mismatch") throw new VersionMismatchError(record.version);
    return toStoredAgent(record, connection.clock, clock.monotonicMs());
  }
}

/** What an earlier or a later version of the gateway, or somebody by hand, may have left there. */
const UNREADABLE = "Redis holds something of the agent that this version of the gateway cannot read";

function readRow(row: unknown): AgentRecord {
  const read = v.safeParse(AgentRow, row);
  if (!read.success) throw new UnreadableAgentError(UNREADABLE);
  return read.output;
}

function toKeys({ customerId, userId }: ChangeTarget): readonly string[] {
  return [STORE_KEY, CHANGES_KEY, agentKeyPrefix(customerId) + userId, membersKey(customerId)];
}

function toValues(
  target: ChangeTarget,
  request: ChangeRequest,
  session: RedisSession,
  deadlineMs: number,
): readonly string[] {
  const { customerId, userId, knownVersion } = target;
  const { stream, connection, historyLength } = session;
  const latest = Math.ceil(connection.clock.toRedisMs(deadlineMs));
  const context = [stream.epoch, latest, historyLength, customerId, userId, knownVersion()];
  return [...context, request.operation, ...toScriptArgs(request), SAME_WRAP_UP_TOLERANCE_MS].map(String);
}

/** Status, wrap-up seconds, seconds left, and the versions that are allowed. */
function toScriptArgs(request: ChangeRequest): readonly (string | number)[] {
  switch (request.operation) {
    case "remove":
      return ["", "", "", "*"];
    case "setStatus":
      return [request.status, "", "", request.ifVersions ? `,${request.ifVersions.join(",")},` : "*"];
    default: {
      const { status, wrapUp } = request.state;
      return [status, wrapUp?.configuredSeconds ?? "", wrapUp?.leftSeconds ?? "", "*"];
    }
  }
}
