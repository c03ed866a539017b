import * as v from "valibot";
import { type UpstreamContext, UpstreamError } from "../upstream.ts";
import { createSendRequest, type HttpOptions, type SendRequest } from "./http.ts";
import { AvailabilityPage, type ReadEntries, readEntries, UserAvailability } from "./schemas.ts";

/** Calls of the vendor's API. Each throws an `UpstreamError`, or the signal's reason. */
export interface AircallClient {
  /**
   * Reads a page of the list of agents, from 1 to `LAST_PAGE`, with at most `USERS_PER_PAGE` agents. Entries that cannot
   * be read are left out, unless that is the whole page: then the call throws.
   */
  list(page: number, signal: AbortSignal): Promise<ReadEntries & { readonly isLast: boolean }>;
  /** Reads the vendor's status of an agent. */
  read(userId: number, signal: AbortSignal): Promise<string>;
  set(userId: number, setting: "available" | "unavailable", scope: UpstreamContext): Promise<void>;
}

/** Page size, which is the API's maximum. */
const USERS_PER_PAGE = 50;

/** Last page: the API rejects requests with `page * per_page` over 10,000. */
export const LAST_PAGE = 10_000 / USERS_PER_PAGE;

const MAX_LIST_BYTES = 4 * 1024 * 1024;

const MAX_BODY_BYTES = 1024 * 1024;

/** Creates a client of the API. */
export function createAircallClient(options: HttpOptions): AircallClient {
  const send: SendRequest = createSendRequest(options);
  return {
    async list(page, signal) {
      const path = `v1/users/availabilities?page=${page}&per_page=${USERS_PER_PAGE}`;
      const { users, meta } = parse(
        AvailabilityPage,
        await send(path, { operation: "list", signal, maxBytes: MAX_LIST_BYTES }),
      );
      const entries = readEntries(users);
      if (meta.current_page !== page || (entries.leftOut && entries.users.length === 0)) throw invalid();
      return { ...entries, isLast: !meta.next_page_link };
    },
    async read(userId, signal) {
      const path = `v1/users/${userId}/availability`;
      return parse(UserAvailability, await send(path, { operation: "read", signal, maxBytes: MAX_BODY_BYTES }))
        .availability;
    },
    async set(userId, setting, scope) {
      await send(`v1/users/${userId}`, {
        operation: "set",
        signal: scope.signal,
        maxBytes: MAX_BODY_BYTES,
        body: { availability_status: setting },
        trace: scope,
      });
    },
  };
}

function parse<Schema extends v.GenericSchema>(schema: Schema, body: unknown): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (!result.success) throw invalid();
  return result.output;
}

function invalid(): UpstreamError {
  return new UpstreamError("The telephony system's response has an unexpected form");
}
