import * as v from "valibot";
import { RETENTION_MS } from "../retention.ts";
import { Digits } from "./agent-record.ts";
import { assertSameEpoch, eraseCustomer, finishErasure, NewEpoch, readMembers } from "./erasure.ts";
import type { RedisSession } from "./redis-session.ts";

/** Times of the retention. */
export interface RetentionTimes {
  /** Time for which outdated data is kept, in milliseconds. */
  readonly retentionMs: number;
  /** Time between two erasures of a customer's outdated ids by any gateway, in milliseconds. */
  readonly intervalMs: number;
}

/** Times of every gateway, except in tests. */
export const RETENTION_TIMES: RetentionTimes = { retentionMs: RETENTION_MS, intervalMs: 20 * 60 * 60 * 1000 };

/** Number of agents per script. A script blocks Redis for less than a millisecond. */
const AGENTS_AT_ONCE = 250;

const Flag = v.tuple([v.number()]);
const Erased = v.union([NewEpoch, v.tuple([v.literal("done"), Digits])]);
const Unserved = v.tuple([v.array(v.string())]);
const Forgotten = v.tuple([v.picklist(["data", "mark", "forgotten"])]);

/**
 * Records that this gateway serves the customer, and erases the ids of agents that were removed before the retention
 * time, unless another gateway has done so today. Versions do not go back: a new change has the present time at least.
 * Resolves with the number of erased ids.
 *
 * @throws {StoreUnavailableError} if Redis may not have erased them.
 */
export async function eraseOutdated(
  customerId: string,
  { retentionMs, intervalMs }: RetentionTimes,
  session: RedisSession,
): Promise<number> {
  const { keys, clock } = session.connection;
  const reply = await session.write("recordServed", [keys.served], [customerId, `${intervalMs}`]);
  const [isDue] = v.parse(Flag, reply);
  if (isDue === 0) return 0;
  const version = Math.floor(clock.toRedisMs(session.monotonicMs()) - retentionMs);
  const members = await readMembers(customerId, session);
  let erased = 0;
  for (let from = 0; from < members.length; from += AGENTS_AT_ONCE) {
    const ids = members.slice(from, from + AGENTS_AT_ONCE);
    const agentKeys = ids.map((id) => keys.agent(customerId, id));
    const values = [session.stream.epoch, `${version}`, ...ids];
    const batch = await session.write("eraseRemoved", [keys.store, keys.members(customerId), ...agentKeys], values);
    erased += assertSameEpoch(v.parse(Erased, batch));
  }
  if (erased === 0) return 0;
  await session.write("markErased", [keys.store, keys.erased(customerId)], [`${version}`, `${RETENTION_MS}`]);
  await finishErasure({ customerId, version, scope: "removed" }, session);
  return erased;
}

/**
 * Erases customers that no gateway has served for the retention time, and changes that are older. Resolves with the ids of
 * the erased customers.
 *
 * @throws {StoreUnavailableError} if Redis may not have erased them.
 */
export async function eraseUnserved(
  { retentionMs }: RetentionTimes,
  session: RedisSession,
): Promise<readonly string[]> {
  const { keys } = session.connection;
  const [unserved] = v.parse(
    Unserved,
    await session.write("findUnserved", [keys.store, keys.served], [`${retentionMs}`]),
  );
  const erased: string[] = [];
  for (const customerId of unserved) {
    const data = [keys.members(customerId), keys.list(customerId), keys.erased(customerId)];
    const reply = await session.write("forgetCustomer", [keys.store, keys.served, ...data], [customerId]);
    const [found] = v.parse(Forgotten, reply);
    if (found !== "data") continue;
    await eraseCustomer({ customerId, userIds: undefined, knownVersion: 0 }, session);
    erased.push(customerId);
  }
  await trimOutdated(retentionMs, session);
  return erased;
}

/**
 * Resolves with true if Redis has data of the customer, a time at which a gateway served it, or the mark of an erasure.
 *
 * @throws {StoreUnavailableError} if Redis cannot be reached.
 */
export async function isKnownCustomer(customerId: string, { connection }: RedisSession): Promise<boolean> {
  const { keys } = connection;
  const data = [keys.members(customerId), keys.list(customerId), keys.erased(customerId)];
  const [isKnown] = v.parse(Flag, await connection.run("isKnown", [keys.store, keys.served, ...data], [customerId]));
  return isKnown === 1;
}

async function trimOutdated(retentionMs: number, session: RedisSession): Promise<void> {
  const { keys, clock } = session.connection;
  const before = Math.floor(clock.toRedisMs(session.monotonicMs()) - retentionMs);
  for (let hasMore = 1; hasMore === 1; ) {
    [hasMore] = v.parse(Flag, await session.write("trimOutdated", [keys.changes], [`${before}`]));
  }
}
