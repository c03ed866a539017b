/** The golden vectors of `shared/vectors/`, which every depth of the bridge must reproduce. */
import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { ScriptedAnswer } from "./scripted-backend.ts";
import { StreamedEvent } from "./scripted-stream.ts";

const Exchange = v.object({
  event: v.unknown(),
  backend: v.nullable(v.union([ScriptedAnswer, v.array(ScriptedAnswer)])),
  asked: v.optional(
    v.array(v.strictObject({ method: v.string(), path: v.string(), body: v.exactOptional(v.unknown()) })),
  ),
  settlement: v.object({
    type: v.string(),
    payload: v.optional(v.unknown()),
    meta: v.optional(v.record(v.string(), v.unknown())),
  }),
});

/**
 * What a host sends, what the backend answers (null: it must not be asked), by what calls it was asked where that is said, and
 * the settlement that the host gets.
 */
export type Exchange = v.InferOutput<typeof Exchange>;

const GoldenAnnouncement = v.strictObject({ type: v.string(), payload: v.exactOptional(v.unknown()) });

/** An event that nobody has asked for. */
export type GoldenAnnouncement = v.InferOutput<typeof GoldenAnnouncement>;

const Conversation = v.object({
  name: v.string(),
  tokens: v.array(v.record(v.string(), v.unknown())),
  exchanges: v.pipe(v.array(Exchange), v.minLength(1)),
  stream: v.union([v.array(StreamedEvent), ScriptedAnswer]),
  announced: v.array(GoldenAnnouncement),
});

const Vectors = v.object({
  cases: v.optional(v.array(v.object({ name: v.string(), ...Exchange.entries })), []),
  conversations: v.optional(v.array(Conversation), []),
});

/** Where a vector stands: the name of its file. */
interface Placed {
  readonly file: string;
}

/** An exchange that can be run after any other, once nothing is watched any more and no service is started. */
export type GoldenExchange = Exchange & Placed & { readonly name: string };

/**
 * What is said between a host and a widget that has just been loaded: exchanges, one after the other, then what the backend's
 * stream says, and all that is announced to the host, in this order. The page gives the tokens with these claims, one each time
 * that it is asked, the last again and again; without any it has none.
 */
export type GoldenConversation = v.InferOutput<typeof Conversation> & Placed;

const folder = new URL("../../shared/vectors/", import.meta.url);

const vectors = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .map((file) => ({ file, ...v.parse(Vectors, JSON.parse(readFileSync(new URL(file, folder), "utf8"))) }));

/** Every golden exchange of every event. */
export const goldenExchanges: readonly GoldenExchange[] = vectors.flatMap(({ file, cases }) =>
  cases.map((exchange) => ({ file, ...exchange })),
);

/** Every golden conversation. */
export const goldenConversations: readonly GoldenConversation[] = vectors.flatMap(({ file, conversations }) =>
  conversations.map((conversation) => ({ file, ...conversation })),
);

/** A JWT with these claims, which nobody has signed: the widget reads them, and the scripted backend takes any. */
export function toToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.c2ln`;
}

/**
 * A settlement as far as a golden exchange compares it: the error of the bridge's own rejections on the keys that the
 * exchange gives, everything else whole.
 */
export function comparable(settlement: unknown, expected: Exchange["settlement"]): unknown {
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
