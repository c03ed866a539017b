import * as v from "valibot";
import type { RequestSlots } from "../request-slots.ts";
import { Digits } from "./agent-record.ts";
import type { RedisSession } from "./redis-session.ts";

const Reply = v.tuple([Digits, v.number(), v.number(), v.number(), v.number()]);

/** Creates a customer's slots in Redis, on the clock of Redis. One script takes a slot. */
export function createRedisSlots(
  customerId: string,
  openSession: () => Promise<Pick<RedisSession, "connection" | "write">>,
): RequestSlots {
  return {
    async take({ share, id, slots, durationMs }) {
      const session = await openSession();
      const { keys } = session.connection;
      const reply = await session.write(
        "takeSlot",
        [keys.blocked(customerId), keys.slots(customerId, share)],
        [id, `${slots}`, `${durationMs}`],
      );
      const [readAt, isTaken, waitMs, blockedMs, remaining] = v.parse(Reply, reply);
      return { isTaken: isTaken === 1, readAt, waitMs, blockedMs, remaining };
    },
    async giveBack({ share, id }) {
      const session = await openSession();
      await session.write("giveSlotBack", [session.connection.keys.slots(customerId, share)], [id]);
    },
    async block(milliseconds) {
      const session = await openSession();
      const { keys } = session.connection;
      const blockKeys = [keys.list(customerId), keys.lateLists, keys.lists, keys.blocked(customerId)];
      await session.write("blockSlots", blockKeys, [customerId, `${Math.ceil(milliseconds)}`]);
    },
  };
}
