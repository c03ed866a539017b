import { randomUUID } from "node:crypto";

/** Ids that are safe in a log and in a header. */
const WELL_FORMED = /^[\w.-]{1,64}$/;

/** Returns the id that a proxy has set in `X-Request-Id`; a new id if the header is missing or malformed. */
export function parseRequestId(header: string | undefined): string {
  return header !== undefined && WELL_FORMED.test(header) ? header : randomUUID();
}
