import type { Access } from "./auth/access.ts";
import type { AvailabilityService } from "./availability-service.ts";
import type { WebhookReceiver } from "./upstream/aircall/webhook.ts";

/** A company whose pages embed the widget. */
export interface Customer {
  /** Id of the customer in addresses: `/c/<id>/widget/`. */
  readonly id: string;
  /** Exact origins of the pages that may embed the widget. At least one. */
  readonly allowedOrigins: readonly string[];
  readonly availabilities: AvailabilityService;
  /** Access rules for reading and writing the availabilities. */
  readonly access: Access;
  /** Receives the upstream's webhooks; absent if the upstream sends no webhooks. */
  readonly receiveWebhook?: WebhookReceiver;
}

/** Customers of the gateway. */
export interface Customers {
  /** Finds a customer by id; without an id, the default customer. `undefined` for an unknown id. */
  find(id: string | undefined): Customer | undefined;
  all(): Iterable<Customer>;
}

/** Customers that a reload can replace. */
export interface ReplaceableCustomers extends Customers {
  replace(customers: readonly Customer[], defaultId: string): void;
}

/** Indexes customers by id. `defaultId` is the customer for addresses without an id. */
export function createCustomers(customers: readonly Customer[], defaultId: string): ReplaceableCustomers {
  let byId: ReadonlyMap<string, Customer> = new Map();
  let ownDefaultId = defaultId;

  function replace(next: readonly Customer[], nextDefaultId: string): void {
    byId = new Map(next.map((customer) => [customer.id, customer]));
    ownDefaultId = nextDefaultId;
  }

  replace(customers, defaultId);
  return {
    find: (id = ownDefaultId) => byId.get(id),
    all: () => byId.values(),
    replace,
  };
}
