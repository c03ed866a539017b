import type { RedisServerOptions } from "../store/redis/redis-server-options.ts";
import type { CustomerSettings } from "./customer-settings.ts";

/** Number of customers that a warning names. */
const NAMED_COUNT = 5;

/**
 * Describes customers whose availabilities end with the process: no telephony system has them, and no Redis stores them.
 * Returns a warning for the operator, or no warning.
 */
export function describeVolatileCustomers(
  customers: readonly CustomerSettings[],
  redis: RedisServerOptions | undefined,
): readonly string[] {
  const ids = customers.filter(({ upstream }) => upstream.kind === "memory").map(({ id }) => id);
  if (redis || ids.length === 0) return [];
  const unnamedCount = ids.length - NAMED_COUNT;
  const names = ids.slice(0, NAMED_COUNT).join(", ") + (unnamedCount > 0 ? ` and ${unnamedCount} more` : "");
  const subject = ids.length === 1 ? `Customer ${names} has` : `Customers ${names} have`;
  return [
    `${subject} the upstream "memory" without REDIS_URL: a restart loses every availability, and each gateway has its own`,
  ];
}
