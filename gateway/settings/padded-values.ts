import type { RedisServerOptions } from "../store/redis/redis-server-options.ts";
import type { CustomerSettings } from "./customer-settings.ts";
import { isSecretSetting } from "./references.ts";

const SECRET_ADVICE =
  ", such as the line's end that echo adds. It is part of the value: write the file with printf '%s' if it should not be";
const VALUE_ADVICE = ". It is part of the value: remove it if tokens do not have it";

/**
 * Describes values with white space at an end, of customers and of the login at the Sentinels: a file made by `echo` ends
 * with a line's end, which then is part of the secret. Returns a warning for each value, without the value. The values are
 * used as they are, because an issuer may use the same.
 */
export function describePaddedValues(
  customers: readonly CustomerSettings[],
  redis?: Pick<RedisServerOptions, "sentinelLogin">,
): readonly string[] {
  const login = redis?.sentinelLogin;
  return [
    ...describePadded({ REDIS_SENTINEL_USER: login?.user, REDIS_SENTINEL_PASSWORD: login?.password }, "", () => true),
    ...customers.flatMap(({ id, tokens, upstream }) =>
      Object.entries({ tokens, upstream }).flatMap(([group, settings]) =>
        describePadded(settings, `Customer ${id}: ${group}.`, isSecretSetting),
      ),
    ),
  ];
}

/** Describes the padded values of an object, whose members' names get a prefix. `isFromFile` decides on the advice. */
function describePadded(values: object, prefix: string, isFromFile: (name: string) => boolean): readonly string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) =>
    [value].flat().some((text) => typeof text === "string" && text !== text.trim())
      ? [`${prefix}${name} begins or ends with white space${isFromFile(name) ? SECRET_ADVICE : VALUE_ADVICE}`]
      : [],
  );
}
