import * as v from "valibot";

/** Schema of an absent payload: `undefined` or an object without keys. `strictObject` would also accept an empty list. */
export const NoPayload = v.optional(
  v.custom<Readonly<Record<string, never>>>((value) => JSON.stringify(value) === "{}", "no payload"),
);
