import * as v from "valibot";
import { delay } from "../../delay.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import type { AppliedErasure, WritableReplica } from "../replica.ts";
import { RETENTION_MS } from "../retention.ts";
import { Digits } from "./agent-record.ts";
import type { RedisConnection } from "./connection.ts";
import type { SnapshotSource } from "./customer-snapshot.ts";

/** The part of a customer's data to erase. */
export interface ErasureRequest {
  readonly customerId: string;
  /** Users to erase; `undefined` for everything. */
  readonly userIds: readonly number[] | undefined;
  /** Highest version of the customer's agents that this gateway knows. */
  readonly knownVersion: number;
}

/** Connection of an erasure. */
export interface ErasureConnection extends Pick<SnapshotSource, "connection" | "stream" | "historyLength"> {
  /** Runs a script that writes. */
  readonly write: RedisConnection["run"];
}

/** Number of agents per script. A script blocks Redis for one to two milliseconds at most. */
const AGENTS_AT_ONCE = 250;

/**
 * Time between the erasure and the removal of earlier changes from the stream, in milliseconds. Running gateways read the
 * erasure meanwhile; a slower gateway loads its customers again.
 */
const TRIM_DELAY_MS = 1_000;

/** Reply of a script that has changed nothing, since Redis has started a new epoch. */
export const NewEpoch = v.tuple([v.literal("epoch")]);
const Begun = v.union([NewEpoch, v.tuple([v.literal("done"), Digits])]);
const Erased = v.union([NewEpoch, v.tuple([v.literal("done"), v.array(v.string())])]);
const Finished = v.union([NewEpoch, v.tuple([v.literal("done"), Digits])]);
const Marked = v.tuple([Digits]);
const Members = v.tuple([v.string(), Digits, v.array(v.string()), Digits]);

/**
 * Erases agents of a customer in Redis and, by an entry of the change stream, in the memory of every gateway. Resolves
 * with the erased user ids when the entry has arrived here and Redis no longer has the earlier changes.
 *
 * @throws {StoreUnavailableError} if Redis may not have erased everything.
 */
export async function eraseCustomer(request: ErasureRequest, to: ErasureConnection): Promise<readonly number[]> {
  const { customerId, userIds, knownVersion } = request;
  const { connection, stream } = to;
  const { keys } = connection;
  const values = [stream.epoch, knownVersion, RETENTION_MS].map(String);
  const begun = await to.write("beginErasure", [keys.store, keys.erased(customerId)], values);
  const version = assertSameEpoch(v.parse(Begun, begun));
  const targets = userIds?.map(String) ?? (await readMembers(customerId, to));
  const erased = await eraseAgents(targets, { customerId, version, isAnnounced: userIds !== undefined }, to);
  const position = await finishErasure({ customerId, version, scope: userIds ? "removed" : "all" }, to);
  await stream.waitFor(position, connection.signal);
  await delay(TRIM_DELAY_MS, connection.signal);
  await to.write("trimChanges", [keys.changes], [`${position}`]);
  return erased.map(Number).filter(Number.isSafeInteger);
}

/**
 * Erases again what the replica has erased, if Redis has lost the erasure. The caller has given Redis back what the
 * replica has; every other agent with a version up to the erasure was erased.
 *
 * @throws {StoreUnavailableError} if Redis may not have erased everything.
 */
export async function repeatErasure(
  customerId: string,
  replica: Pick<WritableReplica, "erasedVersion" | "versionOf" | "isUnreadable">,
  to: ErasureConnection,
): Promise<void> {
  const version = replica.erasedVersion();
  if (version === 0) return;
  const { keys } = to.connection;
  const values = [version, RETENTION_MS].map(String);
  const reply = await to.write("markErased", [keys.store, keys.erased(customerId)], values);
  const [formerVersion] = v.parse(Marked, reply);
  if (formerVersion >= version) return;
  const members = await readMembers(customerId, to);
  const unknown = members.filter((id) => replica.versionOf(Number(id)) === 0 && !replica.isUnreadable(Number(id)));
  await eraseAgents(unknown, { customerId, version, isAnnounced: true }, to);
  const position = await finishErasure({ customerId, version, scope: "removed" }, to);
  await to.write("trimChanges", [keys.changes], [`${position}`]);
}

interface Batch {
  readonly customerId: string;
  readonly version: number;
  /** True if subscribers are sent the removal of each agent. */
  readonly isAnnounced: boolean;
}

async function eraseAgents(
  userIds: readonly string[],
  { customerId, version, isAnnounced }: Batch,
  { connection, stream, historyLength, write }: ErasureConnection,
): Promise<readonly string[]> {
  const { keys } = connection;
  const context = [stream.epoch, customerId, historyLength, version, isAnnounced ? "announced" : ""].map(String);
  const erased: string[] = [];
  for (let from = 0; from < userIds.length; from += AGENTS_AT_ONCE) {
    const ids = userIds.slice(from, from + AGENTS_AT_ONCE);
    const agentKeys = ids.map((id) => keys.agent(customerId, id));
    const ownKeys = [keys.store, keys.changes, keys.members(customerId)];
    const reply = await write("eraseAgents", [...ownKeys, ...agentKeys], [...context, ...ids]);
    erased.push(...assertSameEpoch(v.parse(Erased, reply)));
  }
  return erased;
}

/** Appends the erasure to the change stream. Resolves with its position. */
export async function finishErasure(
  { customerId, version, scope }: AppliedErasure & { readonly customerId: string },
  { connection: { keys }, stream, historyLength, write }: ErasureConnection,
): Promise<number> {
  const values = [stream.epoch, customerId, historyLength, version, scope].map(String);
  const lists = [keys.list(customerId), keys.lateLists, keys.lists];
  const reply = await write("finishErasure", [keys.store, keys.changes, ...lists], values);
  return assertSameEpoch(v.parse(Finished, reply));
}

/** Returns the ids of the customer's present and former agents. */
export async function readMembers(customerId: string, { connection }: ErasureConnection): Promise<readonly string[]> {
  const { keys } = connection;
  const reply = await connection.run("members", [keys.store, keys.members(customerId)], [customerId]);
  const [, , userIds] = v.parse(Members, reply);
  return userIds;
}

/** Returns the value of a reply. @throws {StoreUnavailableError} if Redis has started a new epoch. */
export function assertSameEpoch<Value>(reply: readonly ["epoch"] | readonly ["done", Value]): Value {
  if (reply.length === 1) throw new StoreUnavailableError("Redis has started a new epoch: repeat the erasure");
  return reply[1];
}
