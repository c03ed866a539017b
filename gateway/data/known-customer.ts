import { type DataCommandContext, DataCommandError } from "./data-command-context.ts";

/**
 * Asserts that a customer is in the settings or in the store, since a misspelt id would look like a customer without data.
 * A customer that is erased again is known.
 *
 * @throws {DataCommandError} for an unknown customer.
 * @throws {StoreUnavailableError} if the store cannot be reached.
 */
export async function assertKnownCustomer(customer: string, { settings, store }: DataCommandContext): Promise<void> {
  const { customers } = settings;
  if (customers.some(({ id }) => id === customer) || (await store.forCustomer(customer).isKnown())) return;
  throw new DataCommandError(
    `Customer ${customer} is unknown: it is none of the customers in the settings (${customers.length}), and Redis has nothing of it. Nothing was done`,
  );
}
