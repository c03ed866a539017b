import * as v from "valibot";
import { ChangedAvailability } from "../../shared/contracts/availability.ts";

/** Reads what the backend says of a user who is followed. @throws where it is no such thing. */
export function parseChangedAvailability(value: unknown): ChangedAvailability {
  return v.parse(ChangedAvailability, value);
}
