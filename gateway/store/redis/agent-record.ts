import * as v from "valibot";
import { AVAILABILITY_STATUSES } from "../../../shared/contracts/availability.ts";
import type { StoredAgent } from "../agent.ts";
import type { RedisClock } from "./redis-clock.ts";

/** Whole number, which Redis keeps as text. */
export const Digits = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number), v.safeInteger());

const Status = v.picklist(AVAILABILITY_STATUSES);
const Empty = v.literal("");

/** Record of one agent in Redis. */
const AgentRecord = v.object({
  userId: Digits,
  version: Digits,
  /** Time of the last change, in milliseconds since 1970 on the clock of the Redis machine. */
  updatedAt: Digits,
  /** Empty if the agent was removed. */
  status: v.union([Empty, Status]),
  /** Empty if the agent has no wrap-up time configured. */
  wrapUpSeconds: v.union([Empty, Digits]),
  /** End of the wrap-up time, in milliseconds since 1970 on the clock of the Redis machine. */
  wrapUpEndsAt: v.union([Empty, Digits]),
});
export type AgentRecord = v.InferOutput<typeof AgentRecord>;

/** Record of an agent as scripts return it: a row of values. */
export const AgentRow = v.pipe(
  v.tuple([v.string(), v.string(), v.string(), v.string(), v.string(), v.string()]),
  v.transform(([userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt]) => {
    return { userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt };
  }),
  AgentRecord,
);

/** Entry of the change stream: a change of one agent, the start of an epoch, or an erasure of a customer's agents. */
export const ChangeEntry = v.union([
  v.object({ ...AgentRecord.entries, customer: v.string() }),
  v.object({ epoch: v.string() }),
  v.object({ erased: v.string(), version: Digits, scope: v.picklist(["removed", "all"]) }),
]);

/** Converts a record into an agent, at a moment of the monotonic clock. `undefined` if the agent was removed. */
export function toStoredAgent(record: AgentRecord, clock: RedisClock, nowMs: number): StoredAgent | undefined {
  const { userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt } = record;
  if (status === "") return undefined;
  if (wrapUpSeconds === "" || wrapUpEndsAt === "") return { userId, status, version, updatedAt };
  // Limit to the configured time, even if the clock of the Redis machine was set back meanwhile.
  const endsAtMs = Math.min(clock.toMonotonicMs(wrapUpEndsAt), nowMs + wrapUpSeconds * 1000);
  return { userId, status, version, updatedAt, wrapUp: { configuredSeconds: wrapUpSeconds, endsAtMs } };
}

/** Builds the row of an agent's record in the order that scripts expect. */
export function toRow(
  { userId, version, updatedAt, status, wrapUp }: StoredAgent,
  clock: RedisClock,
): readonly string[] {
  const ends = wrapUp ? [wrapUp.configuredSeconds, Math.round(clock.toRedisMs(wrapUp.endsAtMs))] : ["", ""];
  return [userId, version, updatedAt, status, ...ends].map(String);
}

/** Builds the row of a removed agent's record. */
export function toRemovedRow(userId: number, version: number): readonly string[] {
  return [userId, version, 0, "", "", ""].map(String);
}
