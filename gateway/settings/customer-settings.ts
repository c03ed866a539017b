import * as v from "valibot";
import { TokenSettings } from "../auth/token-settings.ts";
import { AircallSettings } from "../upstream/aircall/settings.ts";
import { describeExcessiveOrigins, describeInvalidOrigin } from "./allowed-origin.ts";

const MAX_LIMIT = 1_000_000_000;

const AllowedOrigin = v.pipe(
  v.string("expected an exact origin, such as https://crm.example.com"),
  v.check(
    (origin) => describeInvalidOrigin(origin) === undefined,
    ({ input }) => `${JSON.stringify(input)} is not an exact origin (it ${describeInvalidOrigin(input)})`,
  ),
);

/** Exact origins of the pages that may embed a customer's widget. */
export const AllowedOrigins = v.pipe(
  v.array(AllowedOrigin, "expected a list of exact origins, such as https://crm.example.com"),
  v.minLength(1, "expected at least one exact origin, such as https://crm.example.com"),
  v.transform((origins): readonly string[] => [...new Set(origins)]),
  v.check(
    (origins) => describeExcessiveOrigins(origins) === undefined,
    ({ input }) => `too many origins: ${describeExcessiveOrigins(input)}`,
  ),
);

/** A customer's id in addresses and in tokens. */
export const CustomerId = v.pipe(
  v.string("expected lower-case letters, digits and hyphens, such as acme"),
  v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, ({ input }) => {
    return `${JSON.stringify(input)} is not a customer id (1 to 63 lower-case letters, digits and hyphens)`;
  }),
);

/** Source of a customer's availabilities. */
export const UpstreamSettings = v.variant("kind", [
  /** No upstream: the store is authoritative. */
  v.strictObject({ kind: v.literal("memory") }),
  AircallSettings,
]);

const Limit = v.pipe(
  v.number("expected a whole number, such as 600"),
  v.check(
    (limit) => Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT,
    `expected a whole number from 1 to ${MAX_LIMIT}`,
  ),
);

/** Creates the schema of a former key, which rejects the key with the present name. */
function renamedTo(name: string) {
  return v.exactOptional(v.never(`is now ${name}, because all tokens of a subject (sub) share one limit`));
}

/** Limits of a customer, so that no customer slows down the rest. Each gateway counts separately. */
export const CustomerLimits = v.strictObject({
  /** Requests to `/v1` by subject (`sub`), with all its tokens. Fifty agents to format count as another request. */
  requestsPerMinutePerSubject: v.optional(Limit, 600),
  /** Total requests to `/v1`, counted alike. */
  requestsPerMinute: v.optional(Limit, 60_000),
  /** Streams open at once. */
  streams: v.optional(Limit, 5000),
  /** Streams open at once by subject, with all its tokens. */
  streamsPerSubject: v.optional(Limit, 20),
  requestsPerMinutePerToken: renamedTo("requestsPerMinutePerSubject"),
  streamsPerToken: renamedTo("streamsPerSubject"),
});
export type CustomerLimits = v.InferOutput<typeof CustomerLimits>;

/** Limits of the demo, whose callers share one address. */
export const UNLIMITED: CustomerLimits = {
  requestsPerMinutePerSubject: MAX_LIMIT,
  requestsPerMinute: MAX_LIMIT,
  streams: MAX_LIMIT,
  streamsPerSubject: MAX_LIMIT,
};

/** Settings of one customer. */
export const CustomerSettings = v.strictObject({
  id: CustomerId,
  allowedOrigins: AllowedOrigins,
  tokens: TokenSettings,
  upstream: v.optional(UpstreamSettings, { kind: "memory" }),
  limits: v.optional(CustomerLimits, {}),
});
export type CustomerSettings = v.InferOutput<typeof CustomerSettings>;

/** Names of the settings in the file, of every form of tokens and upstreams. */
export const SETTING_NAMES: readonly string[] = [
  "customers",
  "defaultCustomer",
  ...[CustomerSettings, CustomerLimits, ...TokenSettings.options, ...UpstreamSettings.options].flatMap(({ entries }) =>
    Object.keys(entries),
  ),
];

/** Content of the file in `GATEWAY_CONFIG`. */
export const GatewayConfig = v.pipe(
  v.strictObject({
    customers: v.pipe(
      v.array(CustomerSettings, "expected a list of customers"),
      v.minLength(1, "expected at least one customer"),
    ),
    /** Id of the customer for addresses without a customer. @default the first customer */
    defaultCustomer: v.optional(CustomerId),
  }),
  v.forward(
    v.check(
      ({ customers }) => new Set(customers.map(({ id }) => id)).size === customers.length,
      "expected ids that differ from one another",
    ),
    ["customers"],
  ),
  v.forward(
    v.check(
      ({ customers, defaultCustomer }) => !defaultCustomer || customers.some(({ id }) => id === defaultCustomer),
      "expected the id of one of the customers",
    ),
    ["defaultCustomer"],
  ),
);
export type GatewayConfig = v.InferOutput<typeof GatewayConfig>;
