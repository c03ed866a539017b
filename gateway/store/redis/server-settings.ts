import * as v from "valibot";
import type { StoreLog } from "../availability-store.ts";
import type { RedisConnection } from "./connection.ts";

const ServerSettings = v.tuple([v.string(), v.string(), v.string()]);

/**
 * Warns of settings by which Redis may lose agents: keys are erased when the memory is full, or there is no append-only
 * file. Redis answers each command as if nothing had happened, so that a lost agent would be the first sign.
 *
 * @throws {StoreUnavailableError} if Redis cannot be reached.
 */
export async function warnOfServerSettings(connection: RedisConnection, log: StoreLog): Promise<void> {
  const reply = await connection.run("serverSettings", [], []);
  const [maxBytes, policy, hasAppendOnlyFile] = v.parse(ServerSettings, reply);
  if (Number(maxBytes) > 0 && policy !== "noeviction")
    log.warning(
      `Redis erases keys once they take ${maxBytes} bytes: its maxmemory-policy is ${policy}. An erased agent is lost. Set maxmemory-policy noeviction`,
    );
  if (hasAppendOnlyFile === "0")
    log.warning(
      "Redis has no append-only file: if it crashes, it loses all changes since its last snapshot. Set appendonly yes",
    );
}
