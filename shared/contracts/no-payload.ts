import * as v from "valibot";

/** What a request carries that has nothing to say: no payload, or one without keys. Not an empty list, which `strictObject` takes. */
export const NoPayload = v.optional(v.custom<Readonly<Record<string, never>>>(isEmpty, "no payload"));

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
