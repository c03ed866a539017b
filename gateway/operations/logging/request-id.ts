import { randomUUID } from "node:crypto";

/** Short enough for a log, and free of all that a log or a header could mistake for its own. */
const WELL_FORMED = /^[\w.-]{1,64}$/;

/** The id that whoever stands in front has given the request in `X-Request-Id`; one of its own where that is missing or malformed. */
export function parseRequestId(header: string | undefined): string {
  return header !== undefined && WELL_FORMED.test(header) ? header : randomUUID();
}
