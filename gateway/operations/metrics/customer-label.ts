/** Returns the value of the label `customer` for a customer's id. */
export type ToCustomerLabel = (customer: string) => string;

/** Label for an unknown route or customer, so that no text of a client becomes a label. */
export const NONE = "none";

/** Label of all customers without a label of their own. */
const OTHER = "other";

/** Creates the labels of customers: each customer's own id, or only those of a set. @param labelled default: all */
export function createCustomerLabel(labelled: ReadonlySet<string> | undefined): ToCustomerLabel {
  if (!labelled) return (customer) => customer;
  return (customer) => (labelled.has(customer) || customer === NONE ? customer : OTHER);
}

/** Combines the values of customers with the same label: the sum, or the worst of them. */
export type Combine = (one: number, other: number) => number;

/** Combines the values of customers by label. A customer without a value adds nothing. */
export function combineByLabel<Item extends { readonly customer: string }>(
  items: Iterable<Item>,
  toLabel: ToCustomerLabel,
  { valueOf, combine }: { readonly valueOf: (item: Item) => number | undefined; readonly combine: Combine },
): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const item of items) {
    const value = valueOf(item);
    if (value === undefined) continue;
    const label = toLabel(item.customer);
    const known = values.get(label);
    values.set(label, known === undefined ? value : combine(known, value));
  }
  return values;
}
