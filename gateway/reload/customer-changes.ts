import type { CustomerSettings } from "../settings/customer-settings.ts";

/** Changed customer, with the names of the changed settings: `tokens.secret`. */
export interface ChangedCustomer {
  readonly id: string;
  readonly settings: readonly string[];
}

/** Differences between the customers before and after a reload, by id. */
export interface CustomerChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ChangedCustomer[];
}

/** Number of customers that a line of the log names. */
const NAMED_COUNT = 20;

/** True if two values of settings are the same. Not `isDeepStrictEqual`: Node 20 takes any two URLs for the same. */
export function isSameSetting(before: unknown, after: unknown): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

/** Compares the customers before a reload and after it. */
export function compareCustomers(
  before: readonly CustomerSettings[],
  after: readonly CustomerSettings[],
): CustomerChanges {
  const known = new Map(before.map((customer) => [customer.id, customer]));
  const kept = new Set(after.map(({ id }) => id));
  return {
    added: after.filter(({ id }) => !known.has(id)).map(({ id }) => id),
    removed: before.filter(({ id }) => !kept.has(id)).map(({ id }) => id),
    changed: after.flatMap((customer) => {
      const settings = findChanges(known.get(customer.id) ?? customer, customer);
      return settings.length > 0 ? [{ id: customer.id, settings }] : [];
    }),
  };
}

/** Describes the changes for the log, without a value: a line for each kind of change. */
export function describeCustomerChanges({ added, removed, changed }: CustomerChanges): readonly string[] {
  const lines = [
    describeNames("added", added),
    describeNames("removed", removed),
    describeNames(
      "changed",
      changed.map(({ id, settings }) => `${id} (${settings.join(", ")})`),
    ),
  ].filter((line) => line !== undefined);
  return lines.length > 0 ? lines : ["no customer has changed"];
}

function describeNames(kind: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const unnamedCount = names.length - NAMED_COUNT;
  const rest = unnamedCount > 0 ? ` and ${unnamedCount} more` : "";
  return `${kind} ${names.length === 1 ? "customer" : `${names.length} customers`}: ${names.slice(0, NAMED_COUNT).join(", ")}${rest}`;
}

function findChanges(before: CustomerSettings, after: CustomerSettings): readonly string[] {
  const names = (Object.keys(after) as (keyof CustomerSettings)[]).filter(
    (name) => !isSameSetting(before[name], after[name]),
  );
  return names.flatMap((name) => findChangedMembers(name, before[name], after[name]));
}

/** Names the changed members of a group of settings, such as `limits.streams`; for another setting, the setting. */
function findChangedMembers(name: string, before: unknown, after: unknown): readonly string[] {
  if (!isGroup(before) || !isGroup(after)) return [name];
  const members = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...members]
    .filter((member) => !isSameSetting(before[member], after[member]))
    .map((member) => `${name}.${member}`);
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
