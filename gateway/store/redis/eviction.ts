import * as v from "valibot";
import type { StoreLog } from "../availability-store.ts";
import type { RedisConnection } from "./connection.ts";

const MemorySettings = v.tuple([v.string(), v.string()]);

/**
 * Warns of a Redis that erases keys when its memory is full. It answers each command as if nothing had happened, so that a
 * lost agent would be the first sign.
 *
 * @throws {StoreUnavailableError} if Redis cannot be reached.
 */
export async function warnOfEviction(connection: RedisConnection, log: StoreLog): Promise<void> {
  const [maxBytes, policy] = v.parse(MemorySettings, await connection.run("memorySettings", [], []));
  if (Number(maxBytes) === 0 || policy === "noeviction") return;
  log.warning(
    `Redis erases keys once they take ${maxBytes} bytes: its maxmemory-policy is ${policy}. An erased agent is lost. Set maxmemory-policy noeviction`,
  );
}
