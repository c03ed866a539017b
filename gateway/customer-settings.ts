import * as v from "valibot";
import { whyNoAllowedOrigin } from "./allowed-origin.ts";
import { TokenSettings } from "./tokens/token-settings.ts";

const AllowedOrigin = v.pipe(
  v.string("expected an exact origin, such as https://crm.example.com"),
  v.check(
    (origin) => whyNoAllowedOrigin(origin) === undefined,
    ({ input }) => `${JSON.stringify(input)} is no exact origin (it ${whyNoAllowedOrigin(input)})`,
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
]);

/** What the gateway knows of one customer. */
export const CustomerSettings = v.strictObject({
  id: CustomerId,
  allowedOrigins: AllowedOrigins,
  tokens: TokenSettings,
  upstream: v.optional(UpstreamSettings, { kind: "memory" }),
});
export type CustomerSettings = v.InferOutput<typeof CustomerSettings>;

/** What the file of `GATEWAY_CONFIG` holds. */
export const GatewayConfig = v.pipe(
  v.strictObject({
    customers: v.pipe(
      v.array(CustomerSettings, "expected a list of customers"),
      v.minLength(1, "expected at least one customer"),
    ),
    /** Whose addresses name no customer. The first one's, where nothing is said. */
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
