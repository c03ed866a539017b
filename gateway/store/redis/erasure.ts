import * as v from "valibot";
import { delay } from "../../delay.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import { RETENTION_MS } from "../retention.ts";
import { Digits } from "./agent-record.ts";
import { agentKeyPrefix, CHANGES_KEY, erasedKey, listKey, membersKey, STORE_KEY } from "./keys.ts";
import type { RedisSession } from "./redis-session.ts";

/** What to erase of a customer. */
export interface ErasureRequest {
  readonly customerId: string;
  /** Users to erase; `undefined` for everything. */
  readonly userIds: readonly number[] | undefined;
  /** Highest version of the customer's agents that this gateway knows. */
  readonly knownVersion: number;
}

/** Number of agents per script. A script blocks Redis for less than a millisecond. */
const AGENTS_AT_ONCE = 250;

/**
 * Time between the erasure and the removal of earlier changes from the stream, in milliseconds. Running gateways read the
 * erasure meanwhile; a slower gateway loads its customers again.
 */
const TRIM_DELAY_MS = 1_000;

const NewEpoch = v.tuple([v.literal("epoch")]);
const Begun = v.union([NewEpoch, v.tuple([v.literal("done"), v.string()])]);
const Erased = v.union([NewEpoch, v.tuple([v.literal("done"), v.array(v.string())])]);
const Finished = v.union([NewEpoch, v.tuple([v.literal("done"), Digits])]);
const Members = v.tuple([v.string(), Digits, v.array(v.string()), Digits]);

/**
 * Erases agents of a customer in Redis and, by an entry of the change stream, in the memory of every gateway. Resolves
 * with the erased user ids when the entry has arrived here and Redis no longer has the earlier changes.
 *
 * @throws {StoreUnavailableError} if Redis may not have erased everything.
 */
export async function eraseCustomer(request: ErasureRequest, session: RedisSession): Promise<readonly number[]> {
  const { customerId, userIds, knownVersion } = request;
  const { connection, stream, historyLength } = session;
  const { epoch } = stream;
  const begun = v.parse(
    Begun,
    await session.write(
      "beginErasure",
      [STORE_KEY, erasedKey(customerId)],
      [epoch, `${knownVersion}`, `${RETENTION_MS}`],
    ),
  );
  const version = assertSameEpoch(begun);
  const targets = userIds?.map(String) ?? (await readMembers(customerId, session));
  const erased = await eraseAgents(targets, { customerId, version, isAnnounced: userIds !== undefined }, session);
  const values = [epoch, customerId, `${historyLength}`, version, userIds ? "removed" : "all"];
  const finished = await session.write("finishErasure", [STORE_KEY, CHANGES_KEY, listKey(customerId)], values);
  const position = assertSameEpoch(v.parse(Finished, finished));
  await stream.waitFor(position, connection.signal);
  await delay(TRIM_DELAY_MS, connection.signal);
  await session.write("trimChanges", [CHANGES_KEY], [`${position}`]);
  return erased.map(Number).filter(Number.isSafeInteger);
}

interface Batch {
  readonly customerId: string;
  readonly version: string;
  /** True if subscribers are sent the removal of each agent. */
  readonly isAnnounced: boolean;
}

async function eraseAgents(
  userIds: readonly string[],
  { customerId, version, isAnnounced }: Batch,
  session: RedisSession,
): Promise<readonly string[]> {
  const prefix = agentKeyPrefix(customerId);
  const context = [session.stream.epoch, customerId, `${session.historyLength}`, version];
  const erased: string[] = [];
  for (let from = 0; from < userIds.length; from += AGENTS_AT_ONCE) {
    const ids = userIds.slice(from, from + AGENTS_AT_ONCE);
    const keys = [STORE_KEY, CHANGES_KEY, membersKey(customerId), ...ids.map((id) => prefix + id)];
    const reply = await session.write("eraseAgents", keys, [...context, isAnnounced ? "announced" : "", ...ids]);
    erased.push(...assertSameEpoch(v.parse(Erased, reply)));
  }
  return erased;
}

async function readMembers(customerId: string, { connection }: RedisSession): Promise<readonly string[]> {
  const reply = await connection.run("members", [STORE_KEY, membersKey(customerId)], [customerId]);
  const [, , userIds] = v.parse(Members, reply);
  return userIds;
}

function assertSameEpoch<Value>(reply: readonly ["epoch"] | readonly ["done", Value]): Value {
  if (reply.length === 1) throw new StoreUnavailableError("Redis has started a new epoch: repeat the erasure");
  return reply[1];
}
