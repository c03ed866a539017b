import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "../../hono-env.ts";
import type { Observability } from "../observability.ts";
import { readClientAddress } from "./client-address.ts";

const WARNING =
  "A request has an X-Forwarded-For from an address that TRUSTED_PROXIES does not name, so the header is ignored. If it comes from your proxy, all clients share one limit of bad tokens: name the proxy in TRUSTED_PROXIES";

/**
 * Warns once if an `X-Forwarded-For` comes from an address that is no trusted proxy. Otherwise a forgotten
 * `TRUSTED_PROXIES` would only show when the bad tokens of a client count for every client of the proxy.
 */
export function warnOfUntrustedProxy({
  log,
  trustedProxies,
}: Pick<Observability, "log" | "trustedProxies">): MiddlewareHandler<AppEnv> {
  let isWarned = false;
  return async (context, next) => {
    const { incoming } = context.env ?? {};
    if (!isWarned && incoming?.headers["x-forwarded-for"] !== undefined) {
      const address = readClientAddress(incoming.socket.remoteAddress, undefined, trustedProxies);
      isWarned = !trustedProxies.includes(address);
      if (isWarned) log.warning(WARNING);
    }
    return next();
  };
}
