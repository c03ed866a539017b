import type { CustomerSettings } from "./customer-settings.ts";

/**
 * Describes values of customers with white space at an end: a file made by `echo` ends with a line's end, which then is part
 * of the secret. Returns a warning for each value, without the value. The values are used as they are, because an issuer may
 * use the same.
 */
export function describePaddedValues(customers: readonly CustomerSettings[]): readonly string[] {
  return customers.flatMap(({ id, tokens, upstream }) =>
    Object.entries({ tokens, upstream }).flatMap(([group, settings]) =>
      Object.entries(settings).flatMap(([name, value]: [string, unknown]) =>
        [value].flat().some((text) => typeof text === "string" && text !== text.trim())
          ? [
              `Customer ${id}: ${group}.${name} begins or ends with white space, such as the line's end that echo adds. It is part of the value: write the file with printf '%s' if it should not be`,
            ]
          : [],
      ),
    ),
  );
}
