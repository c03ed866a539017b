import type { RedisServerOptions } from "../store/redis/redis-server-options.ts";
import type { CustomerSettings } from "./customer-settings.ts";

/** Number of customers that a warning names. */
const NAMED_COUNT = 5;

/** Consequences of availabilities in the process alone, by kind of upstream. */
const CONSEQUENCES: Readonly<Record<CustomerSettings["upstream"]["kind"], string>> = {
  memory: "a restart loses every availability, and each gateway has its own",
  aircall:
    "run one gateway only, because each sends as many requests as requestsPerMinute allows; after a restart, reads are answered with an error until the whole list has been read",
};

/**
 * Describes customers whose availabilities end with the process, because no Redis stores them. Returns a warning for the
 * operator for each kind of upstream.
 */
export function describeVolatileCustomers(
  customers: readonly CustomerSettings[],
  redis: RedisServerOptions | undefined,
): readonly string[] {
  if (redis) return [];
  return (["memory", "aircall"] as const).flatMap((kind) => {
    const ids = customers.filter(({ upstream }) => upstream.kind === kind).map(({ id }) => id);
    return ids.length > 0 ? [`${nameUpstream(ids, kind)} without REDIS_URL: ${CONSEQUENCES[kind]}`] : [];
  });
}

function nameUpstream(ids: readonly string[], kind: string): string {
  const unnamedCount = ids.length - NAMED_COUNT;
  const names = ids.slice(0, NAMED_COUNT).join(", ") + (unnamedCount > 0 ? ` and ${unnamedCount} more` : "");
  const subject = ids.length === 1 ? `Customer ${names} has` : `Customers ${names} have`;
  return `${subject} the upstream "${kind}"`;
}
