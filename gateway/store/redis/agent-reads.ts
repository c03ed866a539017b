import * as v from "valibot";
import type { AgentVersion } from "../availability-store.ts";
import type { ReadStart } from "../upstream-reads.ts";
import { Digits } from "./agent-record.ts";
import type { RedisSession } from "./redis-session.ts";

const Now = v.tuple([Digits, Digits]);
const LastRead = v.tuple([v.union([v.literal(""), Digits])]);
const Confirmed = v.tuple([Digits, v.array(Digits)]);

/** Number of agents per script. A script blocks Redis for less than a millisecond. */
const AGENTS_AT_ONCE = 250;

/** Returns the time of Redis in microseconds, at which a read of the upstream begins. */
export async function readRedisTime({ connection }: RedisSession): Promise<ReadStart> {
  const [micros] = v.parse(Now, await connection.run("now", [connection.keys.store], []));
  return micros;
}

/** Returns when the last recorded read of an agent began, at the earliest, on the monotonic clock; `-Infinity` if unknown. */
export async function readLastReadMs(
  { customerId, userId }: { readonly customerId: string; readonly userId: number },
  { connection }: RedisSession,
): Promise<number> {
  const [began] = v.parse(LastRead, await connection.run("lastRead", [connection.keys.agent(customerId, userId)], []));
  return began === "" ? -Infinity : connection.clock.toMonotonicMs(began / 1000);
}

/** Resolves when the change stream has reached the present position of Redis. */
export async function catchUpWithRedis({ connection, stream }: RedisSession): Promise<void> {
  const [, position] = v.parse(Now, await connection.run("now", [connection.keys.store], []));
  await stream.waitFor(position, connection.signal);
}

/**
 * Records a read of the upstream that found these agents unchanged. Resolves with the user ids of agents that have
 * another version in Redis, once the replica has this version.
 *
 * @throws {StoreUnavailableError} if Redis may not have kept the record.
 */
export async function confirmAgents(
  customerId: string,
  read: { readonly agents: readonly AgentVersion[]; readonly readAt: ReadStart },
  session: RedisSession,
): Promise<readonly number[]> {
  const { agents, readAt } = read;
  const { keys } = session.connection;
  const changed: number[] = [];
  for (let from = 0; from < agents.length; from += AGENTS_AT_ONCE) {
    const batch = agents.slice(from, from + AGENTS_AT_ONCE);
    const agentKeys = batch.map(({ userId }) => keys.agent(customerId, userId));
    const values = [readAt, ...batch.flatMap(({ userId, version }) => [userId, version])].map(String);
    const reply = await session.write("confirm", [keys.store, ...agentKeys], values);
    const [position, userIds] = v.parse(Confirmed, reply);
    if (userIds.length > 0) await session.stream.waitFor(position, session.connection.signal);
    changed.push(...userIds);
  }
  return changed;
}
