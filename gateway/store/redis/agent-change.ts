import * as v from "valibot";
import { type AgentState, SAME_WRAP_UP_TOLERANCE_MS, type Status, type StoredAgent } from "../agent.ts";
import { UnreadableAgentError, VersionMismatchError } from "../availability-store.ts";
import type { ReadStart } from "../upstream-reads.ts";
import { type AgentRecord, AgentRow, Digits, toStoredAgent } from "./agent-record.ts";
import { type ChangeOptions, runChange, type ScriptCall } from "./change-run.ts";
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

const Reply = v.union([
  v.tuple([v.picklist(["changed", "unchanged", "unknown", "mismatch"]), Digits, v.unknown()]),
  v.tuple([v.literal("unreadable")]),
]);

/**
 * Changes an agent in Redis. Resolves when the change stream has brought the change, so that the replica has the change
 * before the caller continues. Resolves with `undefined` if the agent does not exist, before or after the change.
 *
 * @throws {VersionMismatchError} if the agent's version is not among the requested versions.
 * @throws {StoreUnavailableError} if Redis may not have kept the change.
 * @throws {UnreadableAgentError} if the agent's record cannot be read.
 */
export function changeAgent(
  target: ChangeTarget,
  request: ChangeRequest,
  options: ChangeOptions,
): Promise<StoredAgent | undefined> {
  return runChange(
    {
      script: "change",
      toCall: (session, latest) => toCall(target, request, { session, latest }),
      async settle(sent, { connection, stream }, signal) {
        const reply = v.parse(Reply, sent);
        if (reply.length === 1) throw new UnreadableAgentError(UNREADABLE);
        const [outcome, position, row] = reply;
        const record = readRow(row);
        await stream.waitFor(position, signal);
        if (outcome === "mismatch") throw new VersionMismatchError(record.version);
        return toStoredAgent(record, connection.clock, options.clock.monotonicMs());
      },
    },
    options,
  );
}

/** Such a record may come from an earlier or later version of the gateway, or from manual editing. */
const UNREADABLE = "Redis has a record of the agent that this version of the gateway cannot read";

function readRow(row: unknown): AgentRecord {
  const read = v.safeParse(AgentRow, row);
  if (!read.success) throw new UnreadableAgentError(UNREADABLE);
  return read.output;
}

interface CallContext {
  readonly session: RedisSession;
  readonly latest: number;
}

function toCall(target: ChangeTarget, request: ChangeRequest, { session, latest }: CallContext): ScriptCall {
  const { customerId, userId, knownVersion } = target;
  const { stream, connection, historyLength } = session;
  const { keys, clock } = connection;
  const context = [stream.epoch, latest, historyLength, customerId, SAME_WRAP_UP_TOLERANCE_MS];
  const readAt = ("readAt" in request && request.readAt) || "";
  const beganAt = Math.floor(clock.toRedisMs(session.beganMs));
  return {
    keys: [keys.store, keys.changes, keys.members(customerId), keys.agent(customerId, userId)],
    values: [...context, userId, knownVersion(), request.operation, ...toScriptArgs(request), readAt, beganAt],
  };
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
