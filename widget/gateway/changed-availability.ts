import * as v from "valibot";
import { ChangedAvailability } from "../../shared/contracts/availability.ts";

/** Parses a changed availability from the stream or the list. @throws if the value has another shape. */
export function parseChangedAvailability(value: unknown): ChangedAvailability {
  return v.parse(ChangedAvailability, value);
}
