import * as v from "valibot";
import { AVAILABILITY_STATUSES } from "../../../shared/contracts/availability.ts";
import type { StoredAgent } from "../agent.ts";
import type { RedisClock } from "./redis-clock.ts";

/** A whole number as Redis keeps it: as text. */
export const Digits = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number), v.safeInteger());

const Status = v.picklist(AVAILABILITY_STATUSES);
const Nothing = v.literal("");

/** What Redis keeps of one agent. */
const AgentRecord = v.object({
  userId: Digits,
  version: Digits,
  /** When it last changed, in milliseconds since 1970, as the Redis machine counts them. */
  updatedAt: Digits,
  /** Empty where the agent was removed. */
  status: v.union([Nothing, Status]),
  /** Empty where the agent has configured no wrap-up time. */
  wrapUpSeconds: v.union([Nothing, Digits]),
  /** When it has run down, on the Redis machine's clock, in milliseconds since 1970. */
  wrapUpEndsAt: v.union([Nothing, Digits]),
});
export type AgentRecord = v.InferOutput<typeof AgentRecord>;

/** An agent's record as scripts answer it: its values in order. */
export const AgentRow = v.pipe(
  v.tuple([v.string(), v.string(), v.string(), v.string(), v.string(), v.string()]),
  v.transform(([userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt]) => {
    return { userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt };
  }),
  AgentRecord,
);

/** An entry of the stream: what has become of one agent, or that an epoch begins. */
export const ChangeEntry = v.union([
  v.object({ ...AgentRecord.entries, customer: v.string() }),
  v.object({ epoch: v.string() }),
]);

/** The agent in a record, at this moment of the monotonic clock; `undefined` where it was removed. */
export function toStoredAgent(record: AgentRecord, clock: RedisClock, nowMs: number): StoredAgent | undefined {
  const { userId, version, updatedAt, status, wrapUpSeconds, wrapUpEndsAt } = record;
  if (status === "") return undefined;
  if (wrapUpSeconds === "" || wrapUpEndsAt === "") return { userId, status, version, updatedAt };
  // Never longer than configured, also where the Redis machine's clock was set back meanwhile.
  const endsAtMs = Math.min(clock.toMonotonicMs(wrapUpEndsAt), nowMs + wrapUpSeconds * 1000);
  return { userId, status, version, updatedAt, wrapUp: { configuredSeconds: wrapUpSeconds, endsAtMs } };
}

/** The values of an agent's record in the order that scripts take them. */
export function toRow(
  { userId, version, updatedAt, status, wrapUp }: StoredAgent,
  clock: RedisClock,
): readonly string[] {
  const ends = wrapUp ? [wrapUp.configuredSeconds, Math.round(clock.toRedisMs(wrapUp.endsAtMs))] : ["", ""];
  return [userId, version, updatedAt, status, ...ends].map(String);
}

/** The values of a removed agent's record. */
export function toRemovedRow(userId: number, version: number): readonly string[] {
  return [userId, version, 0, "", "", ""].map(String);
}
