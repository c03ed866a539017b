import type { Access } from "./auth/access.ts";
import type { AvailabilityService } from "./availability-service.ts";
import type { WebhookReceiver } from "./upstream/aircall/webhook.ts";

/** A company whose pages embed the widget, as the routes know it. */
export interface Customer {
  /** Names the customer in addresses: `/c/<id>/widget/`. */
  readonly id: string;
  /** Exact origins of the pages that may embed the widget. At least one. */
  readonly allowedOrigins: readonly string[];
  readonly availabilities: AvailabilityService;
  /** Who gets to read and to write them. */
  readonly access: Access;
  /** Takes in what the customer's upstream tells of its own accord; absent where it tells nothing. */
  readonly receiveWebhook?: WebhookReceiver;
}

/** Who is served. */
export interface Customers {
  /** The customer of this id; without one, the customer whose address names none. `undefined` where there is no such customer. */
  find(id: string | undefined): Customer | undefined;
  all(): Iterable<Customer>;
}

/** These customers, with the one of `defaultId` for addresses that name none. */
export function createCustomers(customers: readonly Customer[], defaultId: string): Customers {
  const byId = new Map(customers.map((customer) => [customer.id, customer]));
  return {
    find: (id = defaultId) => byId.get(id),
    all: () => byId.values(),
  };
}
