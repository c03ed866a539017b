import * as v from "valibot";
import { request } from "../contract.ts";
import { MAX_ID_LENGTH } from "../envelope.ts";

const RequestId = v.pipe(
  v.string(`a string of 1 to ${MAX_ID_LENGTH} characters`),
  v.minLength(1, `a string of 1 to ${MAX_ID_LENGTH} characters`),
  v.maxLength(MAX_ID_LENGTH, `a string of 1 to ${MAX_ID_LENGTH} characters`),
);

/** What the bus itself offers, whatever the domain. */
export const bus = {
  /** Aborts the request in flight that carries this `meta.id`, down to its backend call. */
  "BUS.CANCEL": request({
    payload: v.strictObject({ id: RequestId }, "exactly { id }"),
    fulfilled: v.strictObject({
      /** False where no such request is in flight, as when it has just settled. */
      cancelled: v.boolean(),
    }),
    idempotent: true,
  }),
};
