import * as v from "valibot";

/** What a request carries that has nothing to say: no payload, or one without keys. Not an empty list, which `strictObject` takes. */
export const NoPayload = v.optional(
  v.custom<Readonly<Record<string, never>>>((value) => JSON.stringify(value) === "{}", "no payload"),
);
