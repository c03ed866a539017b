/** The golden vectors of `shared/vectors/`, which every layer of the bridge must reproduce. */
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
 * A host's event, the backend's responses (null: no call may be made), the expected calls to the backend if given, and
 * the settlement that the host receives.
 */
export type Exchange = v.InferOutput<typeof Exchange>;

const GoldenAnnouncement = v.strictObject({ type: v.string(), payload: v.exactOptional(v.unknown()) });

/** An event without a request. */
export type GoldenAnnouncement = v.InferOutput<typeof GoldenAnnouncement>;

const Conversation = v.object({
  name: v.string(),
  tokens: v.array(v.record(v.string(), v.unknown())),
  exchanges: v.pipe(v.array(Exchange), v.minLength(1)),
  stream: v.union([v.array(StreamedEvent), ScriptedAnswer]),
  announced: v.array(GoldenAnnouncement),
});

const GoldenLook = v.strictObject({
  look: v.string(),
  theme: v.picklist(["light", "dark", "auto"]),
  accent: v.nullable(v.string()),
  language: v.nullable(v.string()),
});

/** A page's `meta.look`, and what a visible widget reads in it. `null` is the widget's own colour, or the browser's language. */
export type GoldenLook = v.InferOutput<typeof GoldenLook>;

const Vectors = v.object({
  cases: v.optional(v.array(v.object({ name: v.string(), ...Exchange.entries })), []),
  conversations: v.optional(v.array(Conversation), []),
  announcements: v.optional(v.array(GoldenAnnouncement), []),
  looks: v.optional(v.array(GoldenLook), []),
});

/** The file name of a vector. */
interface Placed {
  readonly file: string;
}

/** An exchange that can be run after any other exchange, once the watch list is empty and no service is started. */
export type GoldenExchange = Exchange & Placed & { readonly name: string };

/**
 * A dialogue between a host and a newly loaded widget: exchanges in order, then the events of the backend's stream, and
 * the announcements to the host in order. The page gives tokens with the listed claims, one per request for a token,
 * and repeats the last; without claims the page has no token.
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

/** Every golden announcement, of conversations and of a visible widget alone. */
export const goldenAnnouncements: readonly GoldenAnnouncement[] = vectors.flatMap(
  ({ announcements, conversations }) => [...announcements, ...conversations.flatMap(({ announced }) => announced)],
);

/** Every golden look of a page. */
export const goldenLooks: readonly GoldenLook[] = vectors.flatMap(({ looks }) => looks);

/** Creates an unsigned JWT with the claims: the widget reads the claims, and the scripted backend accepts any token. */
export function toToken(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.c2ln`;
}

/**
 * Reduces a settlement to the compared parts: in the bridge's own rejections the keys of the error that the exchange
 * gives, otherwise the whole settlement.
 */
export function comparable(settlement: unknown, expected: Exchange["settlement"]): unknown {
  const error = readBridgeError(settlement);
  const wanted = readBridgeError(expected);
  if (!error || !wanted) return settlement;
  const kept = Object.fromEntries(Object.keys(wanted).map((key) => [key, error[key]]));
  return { ...v.parse(v.looseObject({}), settlement), payload: { error: kept } };
}

/** Reduces an announcement to the compared parts: `ageMs` becomes 0 if it is a whole number, because it depends on the time. */
export function comparableAnnouncement(announcement: GoldenAnnouncement): GoldenAnnouncement {
  const { payload } = announcement;
  return v.is(Aged, payload) ? { ...announcement, payload: { ...payload, ageMs: 0 } } : announcement;
}

const Aged = v.looseObject({ ageMs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });

const BridgeRejected = v.object({
  payload: v.strictObject({ error: v.record(v.string(), v.unknown()) }),
  meta: v.looseObject({ source: v.literal("bridge") }),
});

function readBridgeError(settlement: unknown): Readonly<Record<string, unknown>> | undefined {
  return v.is(BridgeRejected, settlement) ? settlement.payload.error : undefined;
}
