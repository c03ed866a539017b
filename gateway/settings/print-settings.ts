import type { EffectiveVariable } from "./effective-variables.ts";
import { isSecretSetting } from "./references.ts";
import type { Settings } from "./settings.ts";

/** Stands for a secret in the output. */
const REDACTED = "(secret)";

/**
 * Formats all settings of a gateway as JSON, with the defaults and the origin of each value. No secret is in it.
 * `origins` has the paths of the customers' values, such as `customers.0.limits.streams`.
 */
export function printSettings({ variables, customers, defaultCustomer, customerOrigins, warnings }: Settings): string {
  const printed = { defaultCustomer, customers: redact(JSON.parse(JSON.stringify(customers)), "customers") };
  const origins = customerOrigins.size === 0 ? {} : { origins: findOrigins(printed, customerOrigins) };
  const output = { variables: mapValues(variables, printVariable), ...printed, ...origins, warnings };
  return JSON.stringify(output, undefined, 2);
}

function printVariable({ text, origin, isSecret }: EffectiveVariable) {
  return { value: text === undefined ? null : isSecret ? redactText(text) : text, origin };
}

/** Removes credentials and queries from addresses, and redacts any other text. */
function redactText(text: string): string {
  if (!text.includes("://")) return REDACTED;
  return text.replaceAll(/\/\/[^@/,]*@/g, `//${REDACTED}@`).replaceAll(/\?[^,]*/g, `?${REDACTED}`);
}

function redact(value: unknown, setting: string): unknown {
  if (Array.isArray(value)) return value.map((item) => redact(item, setting));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(item, name)]));
  return isSecretSetting(setting) ? REDACTED : value;
}

/** Lists each value's path with the origin of the value. */
function findOrigins(
  value: unknown,
  known: ReadonlyMap<string, string>,
  path: readonly string[] = [],
): Record<string, string> {
  if (typeof value !== "object" || value === null) {
    const name = path.join(".");
    return { [name]: known.get(name) ?? "default" };
  }
  return Object.assign({}, ...Object.entries(value).map(([name, item]) => findOrigins(item, known, [...path, name])));
}

function mapValues<Value, Result>(
  values: Readonly<Record<string, Value>>,
  change: (value: Value) => Result,
): Readonly<Record<string, Result>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
