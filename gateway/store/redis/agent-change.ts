import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { type AgentState, SAME_WRAP_UP_TOLERANCE_MS, type Status, type StoredAgent } from "../agent.ts";
import { StoreUnavailableError, UnreadableAgentError, VersionMismatchError } from "../availability-store.ts";
import type { ReadStart } from "../upstream-reads.ts";
import { raceAbort, startTimeout } from "./abortable.ts";
import { type AgentRecord, AgentRow, Digits, toStoredAgent } from "./agent-record.ts";
import { SlotMovedError } from "./connection.ts";
import type { StoreKeys } from "./keys.ts";
import type { RedisSession } from "./redis-session.ts";

/** Requested change of one agent. */
export type ChangeRequest =
  | { readonly operation: "set"; readonly state: AgentState; readonly readAt?: ReadStart }
  | { readonly operation: "insertIfAbsent"; readonly state: AgentState }
  | { readonly operation: "setStatus"; readonly status: Status; readonly ifVersions: readonly number[] | undefined }
  | { readonly operation: "remove"; readonly readAt?: ReadStart };

export interface ChangeTarget {
  readonly customerId: string;
  readonly userId: number;
  /**
   * Returns the latest version of the agent seen by the gateway. The next version is higher, even if Redis has lost the
   * agent.
   */
  readonly knownVersion: () => number;
}

export interface ChangeOptions {
  /** Returns the session. Rejects if there is no session. */
  readonly session: () => Promise<RedisSession>;
  /** Time limit of the change, in milliseconds. A change not made by then is not made later. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const Reply = v.union([
  v.tuple([v.picklist(["changed", "unchanged", "unknown", "mismatch"]), Digits, v.unknown()]),
  v.tuple([v.picklist(["epoch", "late", "unreadable"])]),
]);

/**
 * Changes an agent in Redis. Resolves when the change stream has brought the change, so that the replica has the change
 * before the caller continues. Resolves with `undefined` if the agent does not exist, before or after the change.
 *
 * @throws {VersionMismatchError} if the agent's version is not among the requested versions.
 * @throws {StoreUnavailableError} if Redis may not have kept the change.
 * @throws {UnreadableAgentError} if the agent's record cannot be read.
 */
export async function changeAgent(
  target: ChangeTarget,
  request: ChangeRequest,
  options: ChangeOptions,
): Promise<StoredAgent | undefined> {
  const { timeoutMs, clock } = options;
  const timeout = new AbortController();
  const timeoutError = new StoreUnavailableError(
    `Redis did not reply within ${timeoutMs} ms: the change may have been made`,
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
    const sent = await sendChange(session, toKeys(target, connection.keys), values);
    if (sent === "moved") continue;
    const reply = v.parse(Reply, sent);
    // Redis has not changed the agent. On a new epoch the session must catch up first. On `late` the clock of Redis was
    // set: send the change again, now that the new time is known.
    if (reply[0] === "epoch") connection.close(new StoreUnavailableError("Redis has started a new epoch"));
    if (reply[0] === "unreadable") throw new UnreadableAgentError(UNREADABLE);
    if (reply.length === 1) continue;
    const [outcome, position, row] = reply;
    const record = readRow(row);
    await stream.waitFor(position, signal);
    if (outcome === "mismatch") throw new VersionMismatchError(record.version);
    return toStoredAgent(record, connection.clock, clock.monotonicMs());
  }
}

/** Resolves with the reply, or with `moved` if the node of a cluster no longer serves the shard, without a change. */
async function sendChange(session: RedisSession, keys: readonly string[], values: readonly string[]) {
  try {
    return await session.write("change", keys, values);
  } catch (error) {
    if (error instanceof SlotMovedError) return "moved";
    throw error;
  }
}

/** Such a record may come from an earlier or later version of the gateway, or from manual editing. */
const UNREADABLE = "Redis has a record of the agent that this version of the gateway cannot read";

function readRow(row: unknown): AgentRecord {
  const read = v.safeParse(AgentRow, row);
  if (!read.success) throw new UnreadableAgentError(UNREADABLE);
  return read.output;
}

function toKeys({ customerId, userId }: ChangeTarget, keys: StoreKeys): readonly string[] {
  return [keys.store, keys.changes, keys.agent(customerId, userId), keys.members(customerId)];
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
  const readAt = ("readAt" in request && request.readAt) || "";
  const beganAt = Math.floor(connection.clock.toRedisMs(session.beganMs));
  const values = [request.operation, ...toScriptArgs(request), SAME_WRAP_UP_TOLERANCE_MS, readAt, beganAt];
  return [...context, ...values].map(String);
}

/** Builds the script's status, wrap-up seconds, remaining seconds and allowed versions. */
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
