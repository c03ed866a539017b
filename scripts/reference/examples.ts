/** The examples of the reference: golden vectors, so that each of them is one that the tests run. */
import * as v from "valibot";
import { type Exchange, goldenConversations, goldenExchanges } from "../../gateway/test/golden-exchanges.ts";
import type { RequestEntry } from "../../shared/contracts/contract.ts";

type Shown = Pick<Exchange, "event" | "settlement">;

/**
 * The golden exchange of an event that has this name, or the last exchange of this event in a conversation of this name.
 *
 * @throws {Error} where there is none.
 */
export function findExchange(type: string, name: string): Shown {
  const told = goldenConversations.flatMap((golden) =>
    golden.exchanges.map((exchange) => ({ ...exchange, name: golden.name })),
  );
  const found = [...goldenExchanges, ...told].find(
    ({ event, name: given }) => given === name && Object(event).type === type,
  );
  if (!found) throw new Error(`${type} has no golden exchange of the name "${name}"`);
  return found;
}

/**
 * The first announcement of this type in the golden conversations.
 *
 * @throws {Error} where there is none.
 */
export function findAnnounced(type: string): unknown {
  const found = goldenConversations.flatMap(({ announced }) => announced).find((event) => event.type === type);
  if (!found) throw new Error(`${type} is announced in no golden conversation`);
  return found;
}

/**
 * An exchange of these values.
 *
 * @throws {v.ValiError} where the contract does not take them.
 */
export function sampleExchange(
  type: string,
  { payload, fulfilled }: Pick<RequestEntry, "payload" | "fulfilled">,
  sample: { readonly payload?: unknown; readonly fulfilled: unknown },
): Shown {
  v.assert(payload, sample.payload);
  v.assert(fulfilled, sample.fulfilled);
  return {
    event: { type, ...(sample.payload !== undefined && { payload: sample.payload }) },
    settlement: { type: `${type}_FULFILLED`, payload: sample.fulfilled },
  };
}
