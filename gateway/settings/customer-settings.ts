import * as v from "valibot";
import { TokenSettings } from "../auth/token-settings.ts";
import { AircallSettings } from "../upstream/aircall/settings.ts";
import { describeInvalidOrigin } from "./allowed-origin.ts";

const MAX_LIMIT = 1_000_000_000;

const AllowedOrigin = v.pipe(
  v.string("expected an exact origin, such as https://crm.example.com"),
  v.check(
    (origin) => describeInvalidOrigin(origin) === undefined,
    ({ input }) => `${JSON.stringify(input)} is no exact origin (it ${describeInvalidOrigin(input)})`,
  ),
);

/** Exact origins of the pages that may embed a customer's widget. */
export const AllowedOrigins = v.pipe(
  v.array(AllowedOrigin, "expected a list of exact origins, such as https://crm.example.com"),
  v.minLength(1, "expected at least one exact origin, such as https://crm.example.com"),
  v.transform((origins): readonly string[] => [...new Set(origins)]),
);

/** A customer's id, as it stands in addresses and in tokens. */
const CustomerId = v.pipe(
  v.string("expected lower-case letters, digits and hyphens, such as acme"),
  v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, ({ input }) => {
    return `${JSON.stringify(input)} is no customer's id (1 to 63 lower-case letters, digits and hyphens)`;
  }),
);

/** Where a customer's availabilities come from. */
export const UpstreamSettings = v.variant("kind", [
  /** What is written into the store is the truth. */
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

/** How much a customer may ask of a gateway, so that none slows down another. Each gateway counts for itself. */
export const CustomerLimits = v.strictObject({
  /** Requests to `/v1` with one token, or without any from one client's address. */
  requestsPerMinutePerToken: v.optional(Limit, 600),
  /** Requests to `/v1` in all. */
  requestsPerMinute: v.optional(Limit, 60_000),
  /** Streams open at once. */
  streams: v.optional(Limit, 5000),
  /** Streams open at once with one token, or without any from one client's address. */
  streamsPerToken: v.optional(Limit, 20),
});
export type CustomerLimits = v.InferOutput<typeof CustomerLimits>;

/** For the demo, where everybody is one client at one address. */
export const UNLIMITED: CustomerLimits = {
  requestsPerMinutePerToken: MAX_LIMIT,
  requestsPerMinute: MAX_LIMIT,
  streams: MAX_LIMIT,
  streamsPerToken: MAX_LIMIT,
};

/** What the gateway knows of one customer. */
export const CustomerSettings = v.strictObject({
  id: CustomerId,
  allowedOrigins: AllowedOrigins,
  tokens: TokenSettings,
  upstream: v.optional(UpstreamSettings, { kind: "memory" }),
  limits: v.optional(CustomerLimits, {}),
});
export type CustomerSettings = v.InferOutput<typeof CustomerSettings>;

/** What the file of `GATEWAY_CONFIG` holds. */
export const GatewayConfig = v.pipe(
  v.strictObject({
    customers: v.pipe(
      v.array(CustomerSettings, "expected a list of customers"),
      v.minLength(1, "expected at least one customer"),
    ),
    /** Id of the customer for addresses that name none. @default the first one */
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
