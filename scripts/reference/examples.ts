/** Examples for the reference page. Golden vectors, so that the tests run every example. */
import * as v from "valibot";
import {
  type Exchange,
  goldenAnnouncements,
  goldenConversations,
  goldenExchanges,
} from "../../gateway/test/golden-exchanges.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";

type ExampleExchange = Pick<Exchange, "event" | "settlement">;

/**
 * Finds an event's golden exchange of the given name, or the event's last exchange in the conversation of the given
 * name.
 *
 * @throws {Error} if there is no such exchange.
 */
export function findExchange(type: string, name: string): ExampleExchange {
  const conversationExchanges = goldenConversations.flatMap((golden) =>
    golden.exchanges.map((exchange) => ({ ...exchange, name: golden.name })),
  );
  const found = [...goldenExchanges, ...conversationExchanges].find(
    ({ event, name: given }) => given === name && Object(event).type === type,
  );
  if (!found) throw new Error(`${type} has no golden exchange of the name "${name}"`);
  return found;
}

/**
 * Finds the first announcement of the type among the golden ones.
 *
 * @throws {Error} if there is no such announcement.
 */
export function findAnnounced(type: string): unknown {
  const found = goldenAnnouncements.find((event) => event.type === type);
  if (!found) throw new Error(`${type} has no golden announcement`);
  return found;
}

/**
 * Builds an exchange from sample values.
 *
 * @throws {v.ValiError} if the contract rejects the values.
 */
export function sampleExchange(
  type: string,
  { payload, fulfilled }: Pick<RequestEntry, "payload" | "fulfilled">,
  sample: { readonly payload?: unknown; readonly fulfilled: unknown },
): ExampleExchange {
  v.assert(payload, sample.payload);
  v.assert(fulfilled, sample.fulfilled);
  return {
    event: { type, ...(sample.payload !== undefined && { payload: sample.payload }) },
    settlement: { type: `${type}_FULFILLED`, payload: sample.fulfilled },
  };
}
