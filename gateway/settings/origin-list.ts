import * as v from "valibot";
import { describeExcessiveOrigins, describeInvalidOrigin } from "./allowed-origin.ts";
import type { Environment } from "./environment.ts";

const UNSET = "is not set, and with NODE_ENV=production it must be";

/** Creates the schema of `ALLOWED_ORIGINS`, with the message for a list that is not set. */
export function createOriginList(unset: string = UNSET) {
  return v.pipe(
    v.string(unset),
    v.transform((list) => [...new Set(list.split(",").map((origin) => origin.trim()))]),
    v.check(
      (origins) => origins.every((origin) => describeInvalidOrigin(origin) === undefined),
      ({ input }) => describeBadOrigins(input),
    ),
    v.check(
      (origins) => describeExcessiveOrigins(origins) === undefined,
      ({ input }) => `too many origins: ${describeExcessiveOrigins(input)}`,
    ),
  );
}

/** Chooses a schema by the variables beside the list; `undefined` for the one with the default. */
export function chooseOriginSchema({ NODE_ENV: mode, GATEWAY_CONFIG: path }: Environment) {
  if (path) return v.optional(v.never("is set beside GATEWAY_CONFIG, whose customers have origins of their own"));
  if (mode !== "production") return undefined;
  return createOriginList(path === "" ? `${UNSET} without a customers' file: GATEWAY_CONFIG is empty` : UNSET);
}

function describeBadOrigins(origins: readonly string[]): string {
  return origins
    .map((origin) => ({ origin, why: describeInvalidOrigin(origin) }))
    .filter(({ why }) => why !== undefined)
    .map(({ origin, why }) => `${JSON.stringify(origin)} is not an exact origin (it ${why})`)
    .join("; ");
}
