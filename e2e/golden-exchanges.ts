import { readFileSync } from "node:fs";
import * as v from "valibot";
import { ScriptedAnswer } from "./scripted-backend.ts";

const GoldenExchange = v.object({
  name: v.string(),
  event: v.unknown(),
  backend: v.nullable(v.union([ScriptedAnswer, v.array(ScriptedAnswer)])),
  settlement: v.object({ type: v.string(), payload: v.unknown(), meta: v.optional(v.record(v.string(), v.unknown())) }),
});

/** What a host sends, what the backend answers (null: it must not be asked), and the settlement that the host gets. */
export type GoldenExchange = v.InferOutput<typeof GoldenExchange>;

/** The golden exchanges of `API.FETCH_USER_AVAILABILITY`, which every depth of the bridge must reproduce. */
export const goldenExchanges: readonly GoldenExchange[] = v.parse(
  v.object({ cases: v.pipe(v.array(GoldenExchange), v.minLength(1)) }),
  JSON.parse(readFileSync(new URL("../shared/vectors/fetch-user-availability.json", import.meta.url), "utf8")),
).cases;

/**
 * A settlement as far as a golden exchange compares it: the error of the bridge's own rejections on the keys that the
 * exchange gives, everything else whole.
 */
export function comparable(settlement: unknown, expected: GoldenExchange["settlement"]): unknown {
  const error = readBridgeError(settlement);
  const wanted = readBridgeError(expected);
  if (!error || !wanted) return settlement;
  const kept = Object.fromEntries(Object.keys(wanted).map((key) => [key, error[key]]));
  return { ...v.parse(v.looseObject({}), settlement), payload: { error: kept } };
}

const BridgeRejected = v.object({
  payload: v.strictObject({ error: v.record(v.string(), v.unknown()) }),
  meta: v.looseObject({ source: v.literal("bridge") }),
});

function readBridgeError(settlement: unknown): Readonly<Record<string, unknown>> | undefined {
  return v.is(BridgeRejected, settlement) ? settlement.payload.error : undefined;
}
